"""What a rule reads from one image: its sort key, its group and its moment."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

from reconciler.core.calendar import read_date
from reconciler.core.select import Image, Seen, TagIndex
from reconciler.model.names import Tag
from reconciler.model.rules import Rule
from reconciler.model.semver import SemVer

SortKey = tuple[int, datetime | SemVer | int | str]
_UNKNOWN: SortKey = (1, 0)
"""Sorts after everything known, that is, as the newest."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One image as one rule reads it. Shape: `group` joins the values of `group_by`."""

    image: Image
    order: SortKey
    group: str
    moment: datetime
    """What its age counts from; the present moment when that is unknown or lies ahead."""

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

    def __init__(self, rule: Rule, index: TagIndex, now: datetime, zone: tzinfo) -> None:
        """Keep what reading needs."""
        self._rule = rule
        self._index = index
        self._now = now
        self._zone = zone
        self._order = self._order_key(rule)

    def read(self, seen: Seen) -> Reading:
        """Read one image of the rule's pool."""
        keys = [(self._order(seen, tag), tag) for tag in seen.tags or (None,)]
        order = max(key for key, _ in keys)
        tag = next(tag for key, tag in keys if key == order)
        moment = self._moment(seen)
        return Reading(
            image=seen.image,
            order=order,
            group=self._group(tag),
            moment=min(moment, self._now) if moment else self._now,
            is_doubtful=self._is_doubtful(order, moment),
        )

    def _is_doubtful(self, order: SortKey, moment: datetime | None) -> bool:
        """Whether a sort key or a moment that decides is unknown, or lies ahead."""
        unknown, key = order
        ahead = isinstance(key, datetime) and key > self._now
        return (self._rule.keep.reads_order and (unknown == 1 or ahead)) or (
            self._rule.keep.reads_age and (moment is None or moment > self._now)
        )

    def _order_key(self, rule: Rule) -> Callable[[Seen, Tag | None], SortKey]:
        """Choose how to read the sort key, once for the whole pool."""
        fact, capture = rule.order.fact, rule.order.capture
        if fact is not None:
            return lambda seen, _: _known(seen.image.version.time(fact))
        if rule.order == "semver":
            return lambda _, tag: _known(self._index.versions.get(tag) if tag else None)
        kind = rule.order.partition(":")[0]
        return lambda _, tag: _known(self._typed(kind, self._captured(tag).get(capture, "")))

    def _typed(self, kind: str, text: str) -> datetime | int | str | None:
        match kind:
            case "int":
                return int(text) if text.isascii() and text.isdigit() else None
            case "date":
                return read_date(text, self._zone)
            case _:
                return text or None

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

    def _moment(self, seen: Seen) -> datetime | None:
        """Return what its age counts from: of several dates in tags the latest."""
        fact, capture = self._rule.age_by.fact, self._rule.age_by.capture
        if fact:
            return seen.image.version.time(fact)
        texts = (self._captured(tag).get(capture, "") for tag in seen.tags)
        dates = [date for text in texts if (date := read_date(text, self._zone))]
        return max(dates) if dates and len(dates) == len(seen.tags) else None


def _known(value: datetime | SemVer | int | str | None) -> SortKey:
    return _UNKNOWN if value is None else (0, value)
