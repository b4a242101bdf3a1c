"""Findings of a diagnosis: versions and their causes, groups by cause, pushes by week."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from reconciler.analysis.diagnose.causes import CauseEvidence, Confidence, VersionCause
from reconciler.analysis.nature import Nature
from reconciler.model.inventory import Version

_UNKNOWN = datetime.min.replace(tzinfo=UTC)

WEEKS = 104
"""Most weeks that are reported, the latest ones."""

_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class DiagnosedVersion:
    """One version, why it exists, and whether a tagged version needs it.

    Units: `added_bytes` in bytes: of its blobs that no older version refers to.
    """

    version: Version
    nature: Nature
    cause: VersionCause
    evidence: CauseEvidence
    needed: bool
    added_bytes: int

    @property
    def is_proven(self) -> bool:
        """Whether the registry's data or the state prove the cause."""
        return self.evidence.confidence is Confidence.PROVEN

    @property
    def order(self) -> tuple[datetime, str]:
        """The key to sort versions by time; those without a time are first."""
        return self.version.pushed or _UNKNOWN, self.version.digest


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """All versions with one cause. Shape: `findings` is not empty, newest first."""

    cause: VersionCause
    findings: tuple[DiagnosedVersion, ...]

    @property
    def count(self) -> int:
        """How many versions have this cause."""
        return len(self.findings)

    @property
    def needed(self) -> int:
        """How many of them are in use."""
        return sum(finding.needed for finding in self.findings)

    @property
    def proven(self) -> int:
        """How many of them have a proven cause."""
        return sum(finding.is_proven for finding in self.findings)

    @property
    def added_bytes(self) -> int:
        """The bytes that they added; the sum of all groups is the size of the repository."""
        return sum(finding.added_bytes for finding in self.findings)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """When the oldest and the newest were pushed; None where no time is known."""
        times = [finding.version.pushed for finding in self.findings if finding.version.pushed]
        return (min(times), max(times)) if times else None


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of versions, and the bytes that they added."""

    versions: int = 0
    octets: int = 0

    @classmethod
    def of(cls, findings: Iterable[DiagnosedVersion]) -> "Amount":
        """Add versions up."""
        sizes = [finding.added_bytes for finding in findings]
        return cls(len(sizes), sum(sizes))

    def __add__(self, other: "Amount") -> "Amount":
        return Amount(self.versions + other.versions, self.octets + other.octets)


@dataclass(frozen=True, slots=True)
class Week:
    """The versions pushed in one week that still exist, by cause. Shape: `start` is a Monday."""

    start: date
    amounts: dict[VersionCause, Amount]

    @property
    def amount(self) -> Amount:
        """The sum of all causes."""
        return sum(self.amounts.values(), Amount())


def weeks(findings: Iterable[DiagnosedVersion], now: datetime) -> tuple[Week, ...]:
    """Return every week from the first push to now, the latest `WEEKS` of them.

    Shape: empty where no push time is known.
    """
    pushed: dict[date, dict[VersionCause, Amount]] = defaultdict(lambda: defaultdict(Amount))
    for finding in findings:
        if finding.version.pushed:
            amounts = pushed[_monday(finding.version.pushed)]
            amounts[finding.cause] += Amount(1, finding.added_bytes)
    # Weeks without a push are listed as well, so that a chart of them has an even scale.
    last = _monday(now)
    first = max(min(pushed, default=last), last - (WEEKS - 1) * _WEEK)
    count = (last - first) // _WEEK + 1 if pushed else 0
    starts = (first + number * _WEEK for number in range(count))
    return tuple(Week(start, dict(pushed.get(start, {}))) for start in starts)


def _monday(moment: datetime) -> date:
    # In UTC, so that the report does not depend on the machine it is made on.
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())
