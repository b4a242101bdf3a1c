"""What one rule says, step 3 and 4 of the evaluation, for `naive.py`, which explains how."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from fnmatch import fnmatchcase
from typing import Any

import semver

from reconciler.model.durations import Span
from reconciler.model.inventory import Version
from reconciler.model.match import Match
from reconciler.model.names import Digest
from reconciler.model.rules import Rule

_SPEAKS = re.compile(r".*?sha256-([0-9a-f]{64})([^0-9a-f].*)?")
_NUMBERED = re.compile(r"v?(\d+\.\d+\.\d+.*)")


@dataclass(frozen=True)
class Tagged:
    """One image, and the tags that name it."""

    version: Version
    tags: list[str]

    @property
    def digest(self) -> Digest:
        """Its digest."""
        return self.version.digest

    @property
    def is_orphan(self) -> bool:
        """Whether it only speaks of versions that are not here."""
        if self.tags:
            return all(speaks_of(tag) for tag in self.tags)
        return self.version.manifest is not None and self.version.manifest.subject is not None


@dataclass(frozen=True)
class Read:
    """One image as one rule reads it."""

    image: Tagged
    key: Any
    group: object
    born: datetime | None

    def age(self, now: datetime) -> timedelta:
        """Return its age, zero where that is unknown or lies ahead."""
        return max(now - (self.born or now), timedelta())


def speaks_of(tag: str) -> str | None:
    """Return the digest that a tag spells, whatever stands around it."""
    found = _SPEAKS.fullmatch(tag)
    return f"sha256:{found[1]}" if found else None


def knows(match: Match, tag: str) -> bool:
    """Whether a selector knows a tag, image filters aside."""
    if any(fnmatchcase(tag, glob) for glob in match.except_):
        return False
    if match.tags:
        return any(fnmatchcase(tag, glob) for glob in match.tags)
    if match.regex:
        return re.fullmatch(match.regex, tag) is not None
    if match.semver:
        return _in_range(match, tag)
    return not match.untagged


def covers(match: Match, image: Tagged) -> bool:
    """Whether a rule covers an image: selector and filters."""
    picked = [tag for tag in image.tags if knows(match, tag)]
    whole = match.untagged or match.any or match.rest
    kind = image.version.manifest.kind if image.version.manifest else ""
    return (
        (bool(picked) or (bool(whole) and not image.tags))
        and not (match.every_tag and picked != image.tags)
        and all(any(fnmatchcase(tag, glob) for tag in image.tags) for glob in match.with_)
        and not any(fnmatchcase(tag, glob) for tag in image.tags for glob in match.without)
        and (match.artifact_type is None or fnmatchcase(kind, match.artifact_type))
    )


def judge(rule: Rule, pool: Sequence[Tagged], now: datetime, zone: tzinfo) -> dict[Digest, bool]:
    """Say of each image in a rule's pool whether the rule keeps it."""
    groups: dict[object, list[Read]] = {}
    dates = _Dates(rule, pool, now, zone)
    for image in pool:
        read = _read(rule, image, dates)
        if _is_doubtful(rule, read, now):
            read = replace(read, group=image.digest)
        groups.setdefault(read.group, []).append(read)
    said: dict[Digest, bool] = {}
    for members in groups.values():
        kept = _kept(rule, members, now, zone)
        said |= {read.image.digest: read.image.digest in kept for read in members}
    return said


def _in_range(match: Match, tag: str) -> bool:
    version = _semver(tag)
    if version is None or match.semver is None:
        return False
    fits = {"include": True, "only": bool(version.prerelease)}
    if not fits.get(match.prerelease or "exclude", not version.prerelease):
        return False
    return _RANGES[match.semver](version, (version.major, version.minor, version.patch))


def _semver(tag: str) -> semver.Version | None:
    found = _NUMBERED.fullmatch(tag)
    try:
        return semver.Version.parse(found[1].replace("_", "+")) if found else None
    except ValueError:
        return None


_RC2 = semver.Version.parse("2.0.0-rc.2")
_RANGES: dict[str, Callable[[semver.Version, tuple[int, int, int]], bool]] = {
    ">=0": lambda v, n: True,
    ">=1.2 <2": lambda v, n: (1, 2, 0) <= n < (2, 0, 0),
    "^1.2": lambda v, n: (1, 2, 0) <= n < (2, 0, 0),
    "~1.2": lambda v, n: (1, 2, 0) <= n < (1, 3, 0),
    "1": lambda v, n: n[0] == 1,
    "!=1.2.3": lambda v, n: n != (1, 2, 3),
    "<1.2.4 || >=2": lambda v, n: n < (1, 2, 4) or n >= (2, 0, 0),
    "<=1.2": lambda v, n: n[:2] <= (1, 2),
    ">1.2": lambda v, n: n[:2] > (1, 2),
    ">=2.0.0-rc.2": lambda v, n: bool(v >= _RC2),
    "<=2.0.0-rc.2": lambda v, n: bool(v <= _RC2),
    ">2.0.0-rc.2": lambda v, n: bool(v > _RC2),
    "^2.0.0-rc.2": lambda v, n: bool(v >= _RC2) and n < (3, 0, 0),
    "~1.2, !=1.2.4": lambda v, n: n[:2] == (1, 2) and n != (1, 2, 4),
}
"""The ranges that the strategies draw, each in words of its own."""


class _Dates:
    """The dates in the tags of a pool: all in one form, or unknown."""

    def __init__(self, rule: Rule, pool: Sequence[Tagged], now: datetime, zone: tzinfo) -> None:
        self.now, self.zone = now, zone
        tags = [tag for image in pool for tag in image.tags if knows(rule.match, tag)]
        self.values = [_values(rule.match, tag) for tag in tags]

    def read(self, name: str, text: str) -> datetime | None:
        """Read one value of a capture, as all the others of the pool allow it."""
        texts = [values[name] for values in self.values if values.get(name)]
        seconds, thousandths = [[self._number(one, width) for one in texts] for width in (10, 13)]
        dates = [self._date(one) for one in texts]
        if any(dates):
            number = self._number(text, 10) or self._number(text, 13)
            return None if number else self._date(text)
        if all(seconds):
            return self._number(text, 10)
        return self._number(text, 13) if all(thousandths) else None

    def _date(self, text: str) -> datetime | None:
        return self._believed(_date(text, self.zone))

    def _number(self, text: str, width: int) -> datetime | None:
        if not re.fullmatch(rf"[0-9]{{{width}}}", text):
            return None
        return self._believed(
            _EPOCH + timedelta(seconds=int(text[:10]), milliseconds=int(text[10:] or 0))
        )

    def _believed(self, moment: datetime | None) -> datetime | None:
        fits = moment is not None and _FIRST <= moment <= self.now + timedelta(days=366)
        return moment if fits else None


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(2013, 1, 1, tzinfo=UTC)


def certain(moment: datetime | None) -> datetime | None:
    """Return a time, None where it is from before there were containers."""
    return moment if moment and moment >= _FIRST else None


def _read(rule: Rule, image: Tagged, dates: _Dates) -> Read:
    """Read an image by its best tag."""
    tags = [tag for tag in image.tags if knows(rule.match, tag)]
    best, *others = [_read_by(rule, image, tag, dates) for tag in tags or [""]]
    born = best.born
    for read in others:
        if _compare(read.key, best.key) > 0:
            best = read
        if _compare(read.born, born) > 0:
            born = read.born
    return replace(best, born=born)


def _is_doubtful(rule: Rule, read: Read, now: datetime) -> bool:
    """Whether what decides about an image is unknown or lies in the future."""
    keep = rule.keep
    buckets = any(True for _ in keep.buckets)
    deciding: list[Any] = []
    if keep.within or buckets:
        deciding.append(read.born)
    if keep.last or keep.extra or buckets:
        deciding.append(read.key)
    return any(one is None or (isinstance(one, datetime) and one > now) for one in deciding)


def _read_by(rule: Rule, image: Tagged, tag: str, dates: _Dates) -> Read:
    values = _values(rule.match, tag)
    born = _time(rule.age_by, image, values, dates)
    return Read(
        image=image,
        key=_key(rule, image, tag, dates),
        group=(image.is_orphan, *(values.get(name, "") for name in rule.group_by)),
        born=born,
    )


def _values(match: Match, tag: str) -> dict[str, str]:
    """Return what `group_by` and the sort keys may use of a tag."""
    if match.regex and (found := re.fullmatch(match.regex, tag)):
        return {name: text or "" for name, text in found.groupdict().items()}
    if match.semver and (version := _semver(tag)):
        return {"major": str(version.major), "minor": f"{version.major}.{version.minor}"}
    return {}


def _key(rule: Rule, image: Tagged, tag: str, dates: _Dates) -> Any:
    """Return what an image sorts by, None where that is unknown."""
    order = rule.order_by or ("semver" if rule.match.semver else "pushed")
    kind, _, name = order.partition(":")
    text = _values(rule.match, tag).get(name, "")
    if kind == "semver":
        return _semver(tag)
    if kind == "int":
        return int(text) if re.fullmatch("[0-9]+", text) else None
    return (text or None) if kind == "text" else _time(order, image, {name: text}, dates)


def _time(key: str, image: Tagged, values: dict[str, str], dates: _Dates) -> datetime | None:
    name = key.partition(":")[2]
    time: datetime | None = None if name else getattr(image.version, key)
    return dates.read(name, values.get(name, "")) if name else certain(time)


def _date(text: str, zone: tzinfo) -> datetime | None:
    digits = re.sub(r"[-._T]", "", text)
    if not re.fullmatch(r"\d{8}(\d\d){0,3}", digits):
        return None
    month, day, *clock = [int(digits[at : at + 2]) for at in range(4, len(digits), 2)]
    hour, minute, second = [*clock, 0, 0, 0][:3]
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def _compare(first: Any, second: Any) -> int:
    """Compare sort keys; what is unknown is the greatest."""
    if first is None or second is None:
        return (first is None) - (second is None)
    return 0 if first == second else 1 if first > second else -1


def _newer(one: Read, other: Read, members: Sequence[Read], now: datetime) -> bool:
    """Step 3: whether one is surely newer than another, by key, then by push time."""
    if _compare(one.key, other.key):
        return _compare(one.key, other.key) > 0
    equal = [read for read in members if not _compare(read.key, one.key)]
    pushes = [certain(read.image.version.pushed) for read in equal]
    if any(pushed is None or pushed > now for pushed in pushes):
        return False
    return _compare(one.image.version.pushed, other.image.version.pushed) > 0


def _kept(rule: Rule, members: Sequence[Read], now: datetime, zone: tzinfo) -> set[Digest]:
    """Step 4, with `extra` after all others: of those that none surely beats, all stay."""
    keep, every = rule.keep, {read.image.digest for read in members}

    def ahead(read: Read, rivals: Sequence[Read]) -> int:
        return sum(_newer(rival, read, members, now) for rival in rivals)

    kept = {read.image.digest for read in members if ahead(read, members) < (keep.last or 0)}
    if keep.within:
        kept |= {read.image.digest for read in members if read.age(now) < keep.within.delta}
    for kind, limit in keep.buckets:
        buckets = _in_buckets(kind, limit, members, now, zone)
        for rivals in buckets:
            kept |= {read.image.digest for read in rivals if not ahead(read, rivals)}
    left = [read for read in members if read.image.digest not in kept]
    more = {read.image.digest for read in left if ahead(read, left) < (keep.extra or 0)}
    return every if keep.all else kept | more


def _in_buckets(
    kind: str, limit: int | Span, members: Sequence[Read], now: datetime, zone: tzinfo
) -> list[list[Read]]:
    """Return each bucket of which one stays: the latest so many, or of those young enough."""
    span = limit.delta if isinstance(limit, Span) else timedelta.max
    buckets: dict[tuple[int, ...], list[Read]] = {}
    for read in members:
        if read.age(now) < span:
            bucket = _bucket(kind, (now - read.age(now)).astimezone(zone))
            buckets.setdefault(bucket, []).append(read)
    latest = sorted(buckets, reverse=True)
    return [buckets[one] for one in (latest if isinstance(limit, Span) else latest[:limit])]


def _bucket(kind: str, moment: datetime) -> tuple[int, ...]:
    if kind == "weekly":
        return moment.isocalendar()[:2]
    parts = ("yearly", "monthly", "daily", "hourly").index(kind) + 1
    return (moment.year, moment.month, moment.day, moment.hour)[:parts]
