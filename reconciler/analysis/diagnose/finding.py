"""Findings of a diagnosis: versions and their causes, groups by cause, and weekly growth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from reconciler.analysis.diagnose.causes import CauseEvidence, Confidence, VersionCause
from reconciler.analysis.nature import Nature
from reconciler.model.inventory import Version
from reconciler.model.names import Digest

_UNKNOWN = datetime.min.replace(tzinfo=UTC)

WEEKS = 104
"""Most weeks that are reported, the latest ones."""

AHEAD = timedelta(days=90)
"""How far ahead a forecast is."""

RECENT = timedelta(days=28)
"""The period that the present rate of pushes is measured over."""

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

    def times(self, factor: float, share: "KeptShare | None" = None) -> "Amount":
        """Multiply by a factor and by a share, rounded."""
        part = share or KeptShare(1.0, 1.0)
        return Amount(
            round(self.versions * factor * part.versions),
            round(self.octets * factor * part.octets),
        )


@dataclass(frozen=True, slots=True)
class KeptShare:
    """The kept part of some versions, and of the bytes that they added: 0 to 1 each."""

    versions: float
    octets: float

    @classmethod
    def of(cls, kept: Amount, whole: Amount) -> "KeptShare":
        """Divide the kept amount by the whole; an empty whole has the share 0."""
        return cls(kept.versions / (whole.versions or 1), kept.octets / (whole.octets or 1))


@dataclass(frozen=True, slots=True)
class Week:
    """The versions pushed in one week that still exist, by cause. Shape: `start` is a Monday."""

    start: date
    amounts: dict[VersionCause, Amount]

    @property
    def amount(self) -> Amount:
        """The sum of all causes."""
        return sum(self.amounts.values(), Amount())


@dataclass(frozen=True, slots=True)
class Forecast:
    """Versions and bytes `AHEAD` from now, if pushes continue at the recent rate.

    Shape: `kept_now` and `kept_then` are what a policy keeps now and then; None without a policy.
    """

    now: Amount
    then: Amount
    measured: timedelta
    kept_now: Amount | None = None
    kept_then: Amount | None = None


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


def forecast(
    findings: Sequence[DiagnosedVersion], now: datetime, to_delete: Set[Digest] | None
) -> Forecast | None:
    """Forecast from the pushes of the last weeks; None where no push time is known.

    `to_delete` is what a policy would delete now. The rate of pushes is the same with and without
    a policy. Of future pushes, a policy is assumed to keep the share that it keeps of the older
    half of the history, so it never keeps more than there would be without it.
    """
    times = [finding.version.pushed for finding in findings if finding.version.pushed]
    if not times:
        return None
    # At least a day, so that a repository pushed just now has no infinite rate.
    history = max(now - min(times), timedelta(days=1))
    measured = min(history, RECENT)
    present = Amount.of(findings)
    recent = Amount.of(_between(findings, now - measured, now))
    then = present + recent.times(AHEAD / measured)
    if to_delete is None:
        return Forecast(present, then, measured)
    staying = [finding for finding in findings if finding.version.digest not in to_delete]
    # Pushes of a single day have no older half, so the share is taken from all versions.
    old = _between(findings, now - history, now - history / 2) or findings
    lasting = [finding for finding in old if finding.version.digest not in to_delete]
    share = KeptShare.of(Amount.of(lasting), Amount.of(old))
    kept = Amount.of(staying) + recent.times(AHEAD / measured, share)
    return Forecast(present, then, measured, Amount.of(staying), kept)


def _between(
    findings: Iterable[DiagnosedVersion], start: datetime, end: datetime
) -> list[DiagnosedVersion]:
    pushed = ((finding.version.pushed, finding) for finding in findings)
    return [finding for when, finding in pushed if when and start <= when <= end]


def _monday(moment: datetime) -> date:
    # In UTC, so that the report does not depend on the machine it is made on.
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())
