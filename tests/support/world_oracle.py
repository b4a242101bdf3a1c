"""What must stay in a hostile world, from raw bytes and the text of the promises alone.

It shares nothing with Reconciler's parser, graph or evaluation. It does not say what goes: only
what may not, and why. Where a document can be read in two ways, both count.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

_SPELLED = re.compile(r"sha256-([0-9a-f]{64})")
_ATTESTATION = "application/vnd.docker.attestation.manifest.v1+json"
DAY = timedelta(days=1)
CONTAINERS = datetime.fromisoformat("2013-01-01T00:00:00Z")
"""Nothing was pushed before there were containers."""


@dataclass(frozen=True)
class Row:
    """One version at one moment."""

    digest: str
    id: int
    tags: frozenset[str]
    pushed: datetime | None


Rows = Mapping[str, Row]


@dataclass(frozen=True)
class Bytes:
    """What one document says, read as generously as any client might."""

    children: frozenset[str]
    subjects: frozenset[str]
    attests: bool
    """Whether it says of itself that it is an attestation."""

    created: str
    """When it says that it was built; empty where it does not."""


@lru_cache(maxsize=8192)
def read(content: bytes) -> Bytes:
    """Read a document by its members, whatever their case and however often they stand there."""
    pairs: list[tuple[str, Any]] = json.loads(content, object_pairs_hook=list)
    children = {
        digest
        for entries in _members(pairs, "manifests")
        for entry in entries or ()
        for digest in _members(entry, "digest")
    }
    subjects = {
        digest
        for subject in _members(pairs, "subject")
        for digest in _members(subject or [], "digest")
    }
    attests = _ATTESTATION in _members(pairs, "artifacttype")
    said = [
        dict(one).get("org.opencontainers.image.created") for one in _members(pairs, "annotations")
    ]
    return Bytes(frozenset(children), frozenset(subjects), attests, next(filter(None, said), ""))


def _members(pairs: list[tuple[str, Any]], name: str) -> list[Any]:
    return [value for key, value in pairs if key.lower() == name]


@dataclass(frozen=True)
class Oracle:
    """One policy, and the bytes of all that was ever pushed."""

    policy: Mapping[str, Any]
    contents: Mapping[str, bytes]
    held: Set[str] = frozenset()
    known: set[str] = field(default_factory=set)
    """What was here when the run began: a tag that spells such a digest names no image by that."""

    def children(self, digest: str) -> frozenset[str]:
        """Return what a document lists, in any reading of its bytes."""
        return read(self.contents[digest]).children

    def parents(self, rows: Rows, digest: str) -> set[str]:
        """Return what lists a digest, itself aside."""
        return {one for one in rows if one != digest and digest in self.children(one)}

    def companions(self, rows: Rows, digest: str) -> set[str]:
        """Return what refers to a digest, by its bytes or by a tag that spells it."""
        return {
            one.digest
            for one in rows.values()
            if one.digest != digest
            and (digest in self._subjects(rows, one) or digest in spelled(rows, one))
        }

    def is_image(self, rows: Rows, digest: str) -> bool:
        """Whether a version has a tag of its own, and refers to no other one that is here."""
        follows = read(self.contents[digest]).subjects & rows.keys()
        return bool(self.own_tags(rows, rows[digest])) and not follows

    def own_tags(self, rows: Rows, row: Row) -> set[str]:
        """Return the tags that name an image, and no other version that is here."""
        others = (rows.keys() | self.known) - {row.digest}
        return {tag for tag in row.tags if not _spells(tag) & others}

    def must_stay(self, rows: Rows, now: datetime) -> dict[str, str]:
        """Return every version that the promises forbid to delete, each with the reason."""
        reasons = {
            row.digest: why for row in rows.values() if (why := self._reason(rows, row, now))
        }
        ahead = list(reasons)
        while ahead:
            owner = ahead.pop()
            for digest in (self.children(owner) & rows.keys()) | self.companions(rows, owner):
                if digest not in reasons:
                    reasons[digest] = f"{reasons[owner]} < {digest[7:13]}"
                    ahead.append(digest)
        return reasons

    def unjustified(self, rows: Rows, digest: str, now: datetime) -> list[str]:
        """Return the counting rules that had to keep an image, and did not."""
        row = rows[digest]
        return [
            f"{digest[7:13]} goes under {rule['name']}"
            for rule in self.policy["rules"]
            if self._covers(rows, row, rule) and not self._may_expire(rows, row, rule, now)
        ]

    def _may_expire(self, rows: Rows, row: Row, rule: Mapping[str, Any], now: datetime) -> bool:
        """Whether enough images are known to be newer than one, as a rule counts them.

        Equal times are told apart by the registry's own, where it has any.
        """
        last, daily = rule["keep"].get("last", 0), rule["keep"].get("daily", 0)
        own = self._time(row, rule, now)
        if own is None:
            return not (last or daily)
        newer = [
            time
            for other in self._covered(rows, rule)
            if (time := self._time(other, rule, now))
            and (time > own or (time == own and _is_later(other, row)))
        ]
        days = {time.date() for time in newer}
        return len(newer) >= last and (not daily or own.date() in days or len(days) >= daily)

    def _time(self, row: Row, rule: Mapping[str, Any], now: datetime) -> datetime | None:
        """Return the time that a rule sorts by, None where it is not to be believed."""
        if rule.get("order_by") == "created":
            said = read(self.contents[row.digest]).created or self._newest_part(row.digest)
            moment = datetime.fromisoformat(said) if said else None
        else:
            moment = row.pushed
        return moment if age_of(moment, now) is not None else None

    def _newest_part(self, digest: str) -> str:
        """Return when the newest image of an index was built, for an index says nothing itself."""
        parts = [one for one in self.children(digest) if not self.children(one)]
        return max((read(self.contents[one]).created for one in parts), default="")

    def _covered(self, rows: Rows, rule: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the images that a rule covers; what follows another version is none."""
        return (row for row in rows.values() if self._covers(rows, row, rule))

    def _covers(self, rows: Rows, row: Row, rule: Mapping[str, Any]) -> bool:
        if read(self.contents[row.digest]).subjects & rows.keys():
            return False
        tags = self.own_tags(rows, row)
        if rule["match"].get("untagged"):
            return not tags and not self.parents(rows, row.digest) and not spelled(rows, row)
        return any(_matches(rule, tag) for tag in tags)

    def _reason(self, rows: Rows, row: Row, now: datetime) -> str:
        """Say why one version must stay for its own sake; empty when it need not."""
        name = row.digest[7:13]
        for part in self.policy["protect"]:
            if row.digest in part.get("digests", ()):
                return f"{name} is pinned"
            if any(_matches(part, tag) for tag in row.tags):
                return f"{name} is protected"
        if row.digest in self.held:
            return f"{name} is held"
        age = age_of(row.pushed, now)
        if age is None or age < DAY:
            return f"{name} is not known to be old"
        tags = self.own_tags(rows, row)
        rules = [rule for rule in self.policy["rules"] if any(_matches(rule, tag) for tag in tags)]
        if any(rule["keep"].get("all") for rule in rules):
            return f"{name} is kept by a rule"
        known = {tag for tag in tags for rule in self.policy["rules"] if _matches(rule, tag)}
        if tags - known and self.policy["unmatched_tags"] == "keep":
            return f"{name} has a tag that no rule matches"
        return ""

    def _subjects(self, rows: Rows, row: Row) -> set[str]:
        """Return what a version belongs to by its subject.

        An attestation that an index lists beside its subject belongs to that index alone; also
        when that index is gone.
        """
        said = read(self.contents[row.digest])
        if said.attests and any(
            row.digest in self.children(one) and said.subjects & self.children(one)
            for one in self.contents
        ):
            return set()
        return set(said.subjects & rows.keys())


def _is_later(one: Row, other: Row) -> bool:
    return bool(one.pushed and other.pushed and one.pushed > other.pushed)


def spelled(rows: Rows, row: Row) -> set[str]:
    """Return the other versions here that the tags of one spell."""
    found: Set[str] = set().union(*(_spells(tag) for tag in row.tags))
    return (found & rows.keys()) - {row.digest}


def age_of(moment: datetime | None, now: datetime) -> timedelta | None:
    """Return an age, None for a time that is unknown, ahead, or before there were containers."""
    if moment is None or moment > now or moment < CONTAINERS:
        return None
    return now - moment


def _matches(rule: Mapping[str, Any], tag: str) -> bool:
    return any(fnmatchcase(tag, glob) for glob in rule.get("match", {}).get("tags", ()))


@lru_cache(maxsize=8192)
def _spells(tag: str) -> frozenset[str]:
    return frozenset(f"sha256:{found}" for found in _SPELLED.findall(tag))


def rows_of(versions: Iterable[Any]) -> dict[str, Row]:
    """Note how some versions stand now."""
    return {
        one.digest: Row(one.digest, one.id, frozenset(one.tags), one.pushed) for one in versions
    }
