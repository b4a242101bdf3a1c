"""Evaluate one rule for the images that it covers: sort key, group, rank, age and calendar.

Whatever is unknown counts as new, so that missing evidence keeps images and never deletes them.
Source: docs/adr/0016-unknown-order.md.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cache
from itertools import chain, groupby
from operator import attrgetter
from typing import NamedTuple

from reconciler.core.calendar import bucket_of, read_dates
from reconciler.core.select import Image, SelectedImage, TagIndex
from reconciler.model.durations import Span, as_span, precise_span
from reconciler.model.inventory import Fact
from reconciler.model.names import Digest, Tag
from reconciler.model.rules import Keep, Rule
from reconciler.model.semver import SemVer

SortKey = tuple[int, datetime | SemVer | int | str]
_UNKNOWN: SortKey = (1, 0)
"""Sorts after everything known, that is, as the newest."""


class RankedImage(NamedTuple):
    """One image with what one rule compares. Shape: `group` joins the values of `group_by`."""

    image: Image
    order: SortKey
    group: str
    age_start: datetime
    """What its age counts from; the present moment if that is unknown or in the future."""

    pushed: datetime | None
    """The registry's push time, which orders images of equal sort key; None if it is uncertain."""

    is_doubtful: bool
    """Whether its age or order is unknown or in the future, so that it counts as new."""

    @property
    def pool_key(self) -> tuple[str, bool, str]:
        """Identify the images it is counted with.

        A doubtful image is counted alone, and orphans are counted apart: neither an unreadable tag
        nor a leftover signature may take the place of an image in `last`.
        """
        alone = self.image.digest if self.is_doubtful else ""
        return alone, self.image.is_orphan, self.group

    @property
    def pool_label(self) -> str:
        """The prefix that reasons give to the label of the rule for a pool of its own."""
        if self.is_doubtful:
            return "unknown in "
        return "orphans in " if self.image.is_orphan else ""


class ImageRanker:
    """Ranks the images of one rule; an image with several matching tags counts by its newest."""

    def __init__(
        self,
        rule: Rule,
        pool: Sequence[SelectedImage],
        index: TagIndex,
        now: datetime,
        zone: tzinfo,
    ) -> None:
        """Read the dates in the tags of all images at once, since they have one format."""
        self._rule = rule
        self._index = index
        self._now = now
        keys = [rule.order] if rule.keep.reads_order else []
        keys += [rule.age_by] if rule.keep.reads_age else []
        # A group of the regex that did not match captures nothing, which is no value.
        # A tag is read for its order, its group and its age.
        self._captured = cache(self._captures)
        self._reads_order, self._reads_age = rule.keep.reads_order, rule.keep.reads_age
        self._texts = {
            name: {
                text
                for selected in pool
                for tag in selected.tags
                if (text := self._captured(tag).get(name))
            }
            for name in {key.capture for key in keys if key.startswith("date:")}
        }
        self._dates = {name: read_dates(texts, zone, now) for name, texts in self._texts.items()}
        self._order = self._order_key(rule)
        self._age_fact, self._age_capture = rule.age_by.fact, rule.age_by.capture

    @property
    def unread_dates(self) -> Iterator[str]:
        """Warn of captures whose values are mostly not dates, so that the rule keeps too much."""
        for name, texts in sorted(self._texts.items()):
            misread = sorted(texts - self._dates[name].keys())
            if len(misread) > max(1, len(texts) // 2):
                yield (
                    f"{len(misread)} of {len(texts)} values of {name!r} are not dates, such as"
                    f" {misread[0]}: images with these tags count as new; correct the regex"
                )

    def rank(self, selected: SelectedImage) -> RankedImage:
        """Return one image with its sort key, group and age."""
        now, is_doubtful = self._now, False
        # An untagged image has one key too: its time does not depend on a tag.
        tag = selected.tags[0] if selected.tags else None
        order = self._order(selected, tag)
        for other in selected.tags[1:]:
            if (key := self._order(selected, other)) > order:
                order, tag = key, other
        # A sort key or a time in the future is no more certain than an unknown one.
        if self._reads_order:
            is_ahead = isinstance(order[1], datetime) and order[1] > now
            is_doubtful = order == _UNKNOWN or is_ahead
        age_start = now
        if self._reads_age:
            moment = self._age_start(selected)
            if moment is None or moment > now:
                is_doubtful = True
            else:
                age_start = moment
        pushed = selected.image.version.time(Fact.PUSHED)
        return RankedImage(
            selected.image,
            order,
            self._group(tag) if self._rule.group_by else "",
            age_start,
            pushed if pushed and pushed <= now else None,
            is_doubtful,
        )

    def _group(self, tag: Tag | None) -> str:
        captured = self._captured(tag)
        return "/".join(self._part(name, tag, captured) for name in self._rule.group_by)

    def _order_key(self, rule: Rule) -> Callable[[SelectedImage, Tag | None], SortKey]:
        """Return how the sort key is read, chosen once for all images of the rule."""
        fact, capture = rule.order.fact, rule.order.capture
        if fact is not None:
            return lambda selected, _: _known(selected.image.version.time(fact))
        if rule.order == "semver":
            return lambda _, tag: _known(self._index.versions.get(tag) if tag else None)
        read: Callable[[str], datetime | int | str | None]
        match rule.order.partition(":")[0]:
            case "int":
                read = _whole_number
            case "date":
                read = self._dates.get(capture, {}).get
            case _:
                return lambda _, tag: _known(self._captured(tag).get(capture) or None)
        return lambda _, tag: _known(read(self._captured(tag).get(capture, "")))

    def _captures(self, tag: Tag | None) -> dict[str, str]:
        regex = self._rule.match.regex
        return regex.captured(tag) if regex and tag else {}

    def _part(self, name: str, tag: Tag | None, captured: dict[str, str]) -> str:
        """Return one value that images are grouped by: a capture, or a part of the version."""
        version = self._index.versions.get(tag) if tag and name not in captured else None
        if version is None:
            return captured.get(name, "")
        return f"{version.major}" if name == "major" else f"{version.major}.{version.minor}"

    def _age_start(self, selected: SelectedImage) -> datetime | None:
        """Return what its age counts from; of several dates in its tags, the latest."""
        if self._age_fact:
            return selected.image.version.time(self._age_fact)
        capture = self._age_capture
        known: Mapping[str, datetime] = self._dates.get(capture, {})
        texts = (self._captured(tag).get(capture, "") for tag in selected.tags)
        dates = [known[text] for text in texts if text in known]
        return max(dates) if dates and len(dates) == len(selected.tags) else None


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _known(value: datetime | SemVer | int | str | None) -> SortKey:
    return _UNKNOWN if value is None else (0, value)


_ORDER = attrgetter("order")

Ties = Sequence[Sequence[RankedImage]]
"""Images that are counted together, newest first; images of unknown order are in one group."""


class Opinion(NamedTuple):
    """What one rule or protection decides about one image, with every distance from a limit."""

    rule: str
    keeps: bool
    reason: str
    is_doubtful: bool = False
    """Whether the image counts as new because its age or order is unknown."""

    is_tied: bool = False
    """Whether it is kept only because it is unknown which of several images is newer."""

    def __str__(self) -> str:
        """Return the opinion as plans print it."""
        return f"{self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class RuleEvaluation:
    """The opinions of one rule on all images that it covers, and warnings for the plan."""

    opinions: Mapping[Digest, Opinion]
    warnings: Sequence[str] = field(default=())


class Distance(NamedTuple):
    """How far one image is from one limit. If it is `met`, that is a reason to keep the image."""

    met: bool
    text: str
    is_tied: bool = False
    """Whether fewer images would meet it if the order of the tied ones were known."""


def evaluate(
    rule: Rule, pool: Sequence[SelectedImage], index: TagIndex, *, now: datetime, zone: tzinfo
) -> RuleEvaluation:
    """Decide for each image that a rule covers whether the rule keeps it.

    All images in the pool are ranked, whether or not another rule keeps them: newest first by
    `order_by`, then by push time where the registry reports it for all images of equal order.

    Shape: `pool` has each image once, in any order.
    """
    # Nothing has to be read or ranked for these two, which also makes them cheap.
    if rule.keep.all or rule.keep.none:
        opinion = Opinion(rule.name, bool(rule.keep.all), "all" if rule.keep.all else "none")
        return RuleEvaluation({selected.image.digest: opinion for selected in pool})
    reader = ImageRanker(rule, pool, index, now, zone)
    opinions: dict[Digest, Opinion] = {}
    for ties in _pools(map(reader.rank, pool)):
        first = ties[0][0]
        label = first.pool_label + (first.group or rule.match.label)
        measured = _distances(rule.keep, label, ties, now=now, zone=zone)
        members = chain.from_iterable(ties)
        if rule.keep.extra is not None:
            measured = _with_extra(rule.keep.extra, ties, measured)
        for ranked, distances in zip(members, measured, strict=True):
            met = [distance for distance in distances if distance.met]
            reason = "; ".join([distance.text for distance in distances])
            is_tied = bool(met) and all(distance.is_tied for distance in met)
            opinions[ranked.image.version.digest] = Opinion(
                rule.name, bool(met), reason, ranked.is_doubtful, is_tied
            )
    return RuleEvaluation(opinions, tuple(_warnings(rule, reader, opinions.values())))


def _warnings(rule: Rule, reader: ImageRanker, opinions: Iterable[Opinion]) -> Iterator[str]:
    """Warn where unknown times, sort keys or an unknown order keep images."""
    counts = Counter((opinion.is_doubtful, opinion.is_tied) for opinion in opinions)
    tied = counts[False, True]
    doubtful = counts.total() - counts[False, False] - tied
    for text in reader.unread_dates:
        yield f"{rule.name}: {text}"
    if doubtful:
        images = _images(doubtful)
        yield (
            f"{rule.name}: the age or order of {images} is unknown or in the future: counted as new"
        )
    if tied:
        yield (
            f"{rule.name}: {_images(tied)} with equal {rule.order} compete for the last places:"
            " their order is not known, so all of them are kept"
        )


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _pools(images: Iterable[RankedImage]) -> Iterator[Ties]:
    """Group the images that are counted together."""
    pools: dict[tuple[str, bool, str], list[RankedImage]] = defaultdict(list)
    for image in images:
        pools[image.pool_key].append(image)
    for members in pools.values():
        members.sort(key=_ORDER, reverse=True)
        ties: list[list[RankedImage]] = []
        for _, equal in groupby(members, _ORDER):
            ties += _by_push_time(list(equal))
        yield ties


def _by_push_time(equal: list[RankedImage]) -> list[list[RankedImage]]:
    """Order images of equal sort key by push time, if the registry reports it for all of them."""
    if len(equal) == 1 or not all(image.pushed for image in equal):
        return [equal]
    equal.sort(key=attrgetter("pushed"), reverse=True)
    return [list(tied) for _, tied in groupby(equal, attrgetter("pushed"))]


def _with_extra(
    extra: int, ties: Ties, measured: Iterable[tuple[Distance, ...]]
) -> Iterator[tuple[Distance, ...]]:
    """Add the distance from `extra` to images that no other reason keeps; it keeps the newest."""
    # Images that tie share their rank, so a tie at the limit keeps all of them.
    used, each = 0, iter(measured)
    for tied in ties:
        group = [next(each) for _ in tied]
        unkept = [
            distances for distances in group if not any(distance.met for distance in distances)
        ]
        text = f"rank {used + 1} of the remaining vs extra {extra}"
        distance = _rank_distance(text, extra, used, len(unkept))
        yield from (
            distances if any(distance.met for distance in distances) else (*distances, distance)
            for distances in group
        )
        used += len(unkept)


def _distances(
    keep: Keep, label: str, ties: Ties, *, now: datetime, zone: tzinfo
) -> Iterator[tuple[Distance, ...]]:
    """Yield the distances of each image, in the order of the images."""
    calendars = [_calendar(kind, limit, ties, now=now, zone=zone) for kind, limit in keep.buckets]
    # All images of one tie have the same rank: the number of images that are certainly newer.
    newer = 0
    last, within = keep.last, keep.within.delta if keep.within else None
    limit = as_span(within) if within is not None else ""
    for tied in ties:
        ranked: tuple[Distance, ...] = ()
        if last is not None:
            text = f"rank {newer + 1} of {label} vs last {last}"
            ranked = (_rank_distance(text, last, newer, len(tied)),)
        for image in tied:
            distances = ranked
            if within is not None:
                age = now - image.age_start
                whole = as_span(age)
                # Where both round to the same, the second unit is what decides.
                text = (
                    f"age {precise_span(age) if whole == limit else whole} vs within {keep.within}"
                )
                distances += (Distance(age < within, text),)
            yield (*distances, *map(next, calendars)) if calendars else distances
        newer += len(tied)


def _rank_distance(text: str, limit: int, newer: int, tied: int) -> Distance:
    """Compare a rank with a limit; the text names ties where they keep an image."""
    met, is_tied = newer < limit, newer < limit < newer + tied
    return Distance(met, text + (_tied_with(tied) if is_tied else ""), is_tied)


def _tied_with(tied: int) -> str:
    return f", tied with {tied - 1} other{'s' if tied > 2 else ''}"


def _calendar(
    kind: str, limit: int | Span, ties: Ties, *, now: datetime, zone: tzinfo
) -> Iterator[Distance]:
    """Keep the newest image of each of the latest buckets, or of each recent enough bucket."""
    names = [[bucket_of(kind, image.age_start, zone) for image in tied] for tied in ties]
    latest: frozenset[str] = frozenset()
    if not isinstance(limit, Span):
        latest = frozenset(sorted({*chain.from_iterable(names)}, reverse=True)[:limit])
    # A bucket counts as taken only after a whole tie, so that tied images keep it together.
    taken: set[str] = set()
    for tied, buckets in zip(ties, names, strict=True):
        is_newest = [
            name not in taken
            and (now - image.age_start < limit.delta if isinstance(limit, Span) else name in latest)
            for image, name in zip(tied, buckets, strict=True)
        ]
        newest = Counter(name for name, met in zip(buckets, is_newest, strict=True) if met)
        for name, met in zip(buckets, is_newest, strict=True):
            is_tied = met and newest[name] > 1
            where = f"newest of {name}" if met else f"in {name}"
            others = _tied_with(newest[name]) if is_tied else ""
            yield Distance(met, f"{where} vs {kind} {limit}{others}", is_tied)
        taken.update(newest)
