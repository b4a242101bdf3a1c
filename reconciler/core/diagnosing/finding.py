"""What is said of one version, and of all those that have the same cause."""

from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.core.diagnosing.causes import CauseEvidence, Confidence, VersionCause
from reconciler.core.explaining.nature import Nature
from reconciler.model.inventory import Version

_UNKNOWN = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DiagnosedVersion:
    """One version, why it is there, and whether anything needs it.

    Units: `brings` in bytes: its document and what it names that nothing older names.
    """

    version: Version
    nature: Nature
    cause: VersionCause
    sign: CauseEvidence
    needed: bool
    brings: int

    @property
    def is_proven(self) -> bool:
        """Whether the registry's own data or the state leave no other cause."""
        return self.sign.confidence is Confidence.PROVEN

    @property
    def order(self) -> tuple[datetime, str]:
        """Where it stands among others in time; what has no time comes first."""
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
        """How many of them leave no doubt."""
        return sum(finding.is_proven for finding in self.findings)

    @property
    def brings(self) -> int:
        """What they brought, in bytes; the bytes of all groups are those of the repository."""
        return sum(finding.brings for finding in self.findings)

    @property
    def span(self) -> tuple[datetime, datetime] | None:
        """When the oldest and the newest were pushed; None where no time is known."""
        times = [one.version.pushed for one in self.findings if one.version.pushed]
        return (min(times), max(times)) if times else None
