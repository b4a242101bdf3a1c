"""What one rule says of the images in its pool: rank, age and calendar, with the distances."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from reconciler.core.calendar import bucket_of
from reconciler.core.reading import Reader, Reading
from reconciler.core.select import Seen, TagIndex
from reconciler.model.keep import Keep
from reconciler.model.names import Digest
from reconciler.model.rules import Rule
from reconciler.model.spans import Span, spoken

_LATEST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one rule or protection says of one image, with every distance it measured."""

    rule: str
    keeps: bool
    reason: str
    is_doubtful: bool = False
    """Whether the image counts as new because something that decides could not be read."""

    def __str__(self) -> str:
        """Write the opinion as plans print it."""
        return f"{self.rule}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Distance:
    """How far one image is from one limit. `met` is a reason to keep it."""

    met: bool
    text: str


def opinions(
    rule: Rule, pool: Sequence[Seen], index: TagIndex, *, now: datetime, zone: tzinfo
) -> Iterator[tuple[Digest, Opinion]]:
    """Yield one opinion for each image of a rule's pool.

    The pool is ranked whole, whether or not something else keeps an image: newest first by
    `order_by`, then by push time, then by digest.

    Shape: `pool` in digest order, each image once.
    """
    if rule.keep.all or rule.keep.none:
        verdict = Opinion(rule.name, bool(rule.keep.all), "all" if rule.keep.all else "none")
        yield from ((seen.image.digest, verdict) for seen in pool)
        return
    reader = Reader(rule, index, now, zone)
    for members in _pools([reader.read(seen) for seen in pool]):
        label = members[0].whose + (members[0].group or rule.match.label)
        measured = _distances(rule.keep, label, members, now=now, zone=zone)
        for reading, distances in zip(members, _with_extra(rule.keep, measured), strict=True):
            keeps = any(distance.met for distance in distances)
            text = "; ".join(distance.text for distance in distances)
            yield reading.image.digest, Opinion(rule.name, keeps, text, reading.is_doubtful)


def _with_extra(
    keep: Keep, measured: Iterable[tuple[Distance, ...]]
) -> Iterator[tuple[Distance, ...]]:
    """Add the reason `extra` gives to the newest images that no other reason keeps."""
    used = 0
    for distances in measured:
        if keep.extra is None or any(distance.met for distance in distances):
            yield distances
        else:
            used += 1
            text = f"number {used} of those left vs extra {keep.extra}"
            yield (*distances, Distance(met=used <= keep.extra, text=text))


def _pools(readings: list[Reading]) -> Iterable[Sequence[Reading]]:
    """Split readings into those that are counted together, newest first in each.

    Sorting is stable, so ties fall through.
    """
    readings.sort(key=lambda reading: reading.image.version.pushed or _LATEST, reverse=True)
    readings.sort(key=lambda reading: reading.order, reverse=True)
    pools: dict[tuple[str, bool, str], list[Reading]] = defaultdict(list)
    for reading in readings:
        pools[reading.pool].append(reading)
    return pools.values()


def _distances(
    keep: Keep, label: str, members: Sequence[Reading], *, now: datetime, zone: tzinfo
) -> Iterator[tuple[Distance, ...]]:
    """Yield the distances of each member, in the order of the members."""
    calendars = [
        list(_calendar(kind, limit, members, now=now, zone=zone)) for kind, limit in keep.buckets
    ]
    for position, reading in enumerate(members):
        yield (
            *_rank(keep, position + 1, label),
            *_age(keep, now - reading.moment),
            *(calendar[position] for calendar in calendars),
        )


def _rank(keep: Keep, rank: int, label: str) -> Iterator[Distance]:
    if keep.last is not None:
        yield Distance(rank <= keep.last, f"rank {rank} of {label} vs last {keep.last}")


def _age(keep: Keep, age: timedelta) -> Iterator[Distance]:
    if keep.within is not None:
        text = f"age {spoken(age)} vs within {keep.within}"
        yield Distance(age < keep.within.delta, text)


def _calendar(
    kind: str, limit: int | Span, members: Sequence[Reading], *, now: datetime, zone: tzinfo
) -> Iterator[Distance]:
    """Keep the newest image of each of the latest buckets, or of each among the young enough."""
    names = [bucket_of(kind, reading.moment, zone) for reading in members]
    if isinstance(limit, Span):
        counts = [now - reading.moment < limit.delta for reading in members]
    else:
        latest = set(sorted(set(names), reverse=True)[:limit])
        counts = [name in latest for name in names]
    taken: set[str] = set()
    for name, counted in zip(names, counts, strict=True):
        met = counted and name not in taken
        if met:
            taken.add(name)
        where = f"newest of {name}" if met else f"in {name}"
        yield Distance(met, f"{where} vs {kind} {limit}")
