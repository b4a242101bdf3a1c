"""What a rule reads from one image: its sort key, its group and its moment."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from reconciler.core.calendar import read_dates
from reconciler.core.select import Image, SelectedImage, TagIndex
from reconciler.model.inventory import Fact
from reconciler.model.language import OrderKey
from reconciler.model.names import Tag
from reconciler.model.rules import Rule
from reconciler.model.semver import SemVer

SortKey = tuple[int, datetime | SemVer | int | str]
_UNKNOWN: SortKey = (1, 0)
"""Sorts after everything known, that is, as the newest."""


@dataclass(frozen=True, slots=True)
class RankedImage:
    """One image as one rule reads it. Shape: `group` joins the values of `group_by`."""

    image: Image
    order: SortKey
    group: str
    moment: datetime
    """What its age counts from; the present moment when that is unknown or lies ahead."""

    pushed: datetime | None
    """The registry's time of its push, which orders images of one sort key; None if uncertain."""

    is_doubtful: bool
    """Whether something that decides could not be read or lies ahead, so that it counts as new."""

    @property
    def pool(self) -> tuple[str, bool, str]:
        """Name those it is counted with.

        What is in doubt is counted alone and orphans apart, so that neither a tag nobody can
        read nor signatures of images elsewhere use up what a rule keeps of the images here.
        """
        alone = self.image.digest if self.is_doubtful else ""
        return alone, self.image.is_orphan, self.group

    @property
    def whose(self) -> str:
        """How reasons call those it is counted with, where they are not the images of the rule."""
        if self.is_doubtful:
            return "unknown in "
        return "orphans in " if self.image.is_orphan else ""


class Reader:
    """Reads images for one rule; an image with several matching tags is read by its best one."""

    def __init__(
        self,
        rule: Rule,
        pool: Sequence[SelectedImage],
        index: TagIndex,
        now: datetime,
        zone: tzinfo,
    ) -> None:
        """Read the dates in the tags of the whole pool, since their form is one for all."""
        self._rule = rule
        self._index = index
        self._now = now
        self._texts = {name: self._captures(pool, name) for name in _dated(rule)}
        self._dates = {name: read_dates(texts, zone, now) for name, texts in self._texts.items()}
        self._order = self._order_key(rule)

    @property
    def complaints(self) -> Iterator[str]:
        """Say of which captures most values are no dates, so that the rule knows little."""
        for name, texts in sorted(self._texts.items()):
            odd = sorted(texts - self._dates[name].keys())
            if len(odd) > max(1, len(texts) // 2):
                yield (
                    f"{len(odd)} of {len(texts)} values of {name!r} are no dates, such as"
                    f" {odd[0]}: what has one counts as new; correct the regex"
                )

    def read(self, seen: SelectedImage) -> RankedImage:
        """Read one image of the rule's pool."""
        keys = [(self._order(seen, tag), tag) for tag in seen.tags or (None,)]
        order = max(key for key, _ in keys)
        tag = next(tag for key, tag in keys if key == order)
        moment, pushed = self._moment(seen), seen.image.version.time(Fact.PUSHED)
        return RankedImage(
            image=seen.image,
            order=order,
            group=self._group(tag),
            moment=min(moment, self._now) if moment else self._now,
            pushed=pushed if pushed and pushed <= self._now else None,
            is_doubtful=self._is_doubtful(order, moment),
        )

    def _is_doubtful(self, order: SortKey, moment: datetime | None) -> bool:
        """Whether a sort key or a moment that decides is unknown, or lies ahead."""
        unknown, key = order
        ahead = isinstance(key, datetime) and key > self._now
        return (self._rule.keep.reads_order and (unknown == 1 or ahead)) or (
            self._rule.keep.reads_age and (moment is None or moment > self._now)
        )

    def _order_key(self, rule: Rule) -> Callable[[SelectedImage, Tag | None], SortKey]:
        """Choose how to read the sort key, once for the whole pool."""
        fact, capture = rule.order.fact, rule.order.capture
        if fact is not None:
            return lambda seen, _: _known(seen.image.version.time(fact))
        if rule.order == "semver":
            return lambda _, tag: _known(self._index.versions.get(tag) if tag else None)
        read = self._type_of(rule.order)
        return lambda _, tag: _known(read(self._captured(tag).get(capture, "")))

    def _type_of(self, order: OrderKey) -> Callable[[str], datetime | int | str | None]:
        """Return how the values of a capture are read."""
        match order.partition(":")[0]:
            case "int":
                return _whole_number
            case "date":
                return self._dates.get(order.capture, {}).get
            case _:
                return lambda text: text or None

    def _captures(self, pool: Sequence[SelectedImage], name: str) -> set[str]:
        """Return the different values of a capture; a group that caught nothing has none."""
        texts = (self._captured(tag).get(name, "") for seen in pool for tag in seen.tags)
        return set(filter(None, texts))

    def _captured(self, tag: Tag | None) -> dict[str, str]:
        regex = self._rule.match.regex
        return regex.captured(tag) if regex and tag else {}

    def _group(self, tag: Tag | None) -> str:
        captured = self._captured(tag)
        return "/".join(self._part(name, tag, captured) for name in self._rule.group_by)

    def _part(self, name: str, tag: Tag | None, captured: dict[str, str]) -> str:
        version = self._index.versions.get(tag) if tag and name not in captured else None
        if version is None:
            return captured.get(name, "")
        return f"{version.major}" if name == "major" else f"{version.major}.{version.minor}"

    def _moment(self, seen: SelectedImage) -> datetime | None:
        """Return what its age counts from: of several dates in tags the latest."""
        fact, capture = self._rule.age_by.fact, self._rule.age_by.capture
        if fact:
            return seen.image.version.time(fact)
        known: Mapping[str, datetime] = self._dates.get(capture, {})
        texts = (self._captured(tag).get(capture, "") for tag in seen.tags)
        dates = [known[text] for text in texts if text in known]
        return max(dates) if dates and len(dates) == len(seen.tags) else None


def _dated(rule: Rule) -> set[str]:
    """Return the captures that decide and are read as dates."""
    keys = [rule.order] if rule.keep.reads_order else []
    keys += [rule.age_by] if rule.keep.reads_age else []
    return {key.capture for key in keys if key.startswith("date:")}


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _known(value: datetime | SemVer | int | str | None) -> SortKey:
    return _UNKNOWN if value is None else (0, value)
