"""The documents of `diagnose` and `check` with `--format json`, described for their JSON Schemas.

`diagnosis_json.py` and `health.py` write them. A key that they write and that is missing here fails
the test which validates real documents.
"""

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field, NonNegativeInt

from reconciler.analysis.diagnose.causes import Confidence, VersionCause
from reconciler.analysis.health import Kind
from reconciler.analysis.nature import Nature
from reconciler.model.base import Frozen
from reconciler.model.names import Digest, Repository, Tag

_NEVER = datetime.min.replace(tzinfo=UTC)


class AmountDocument(Frozen):
    """A number of versions, and the bytes that they added."""

    versions: NonNegativeInt
    bytes: NonNegativeInt


class CauseDocument(Frozen):
    """All versions with one cause. Units: `bytes` in bytes that they added."""

    count: NonNegativeInt
    needed: NonNegativeInt
    proven: NonNegativeInt
    bytes: NonNegativeInt
    span: tuple[AwareDatetime, AwareDatetime] | None
    means: str
    why: str
    build: str
    rule: str | None


class VersionDocument(Frozen):
    """One version and why it exists. Units: `bytes` in bytes that it added."""

    digest: Digest
    tags: tuple[Tag, ...]
    pushed: AwareDatetime | None
    nature: Nature
    cause: VersionCause
    confidence: Confidence
    evidence: str
    relative: str | None
    needed: bool
    bytes: NonNegativeInt


class WeekDocument(Frozen):
    """What was pushed in one week, by cause."""

    start: AwareDatetime
    causes: dict[VersionCause, AmountDocument]


class ForecastDocument(Frozen):
    """Versions now and in 90 days, without and with the policy, between a low and a high figure.

    Shape: null without a policy, and `then` where too little time was measured.
    """

    now: AmountDocument
    then: AmountDocument | None
    then_low: AmountDocument | None
    then_high: AmountDocument | None
    staying: AmountDocument | None
    kept: AmountDocument | None
    kept_low: AmountDocument | None
    kept_high: AmountDocument | None
    measured_days: NonNegativeInt


class AttributionDocument(Frozen):
    """A workflow step, and the causes of the versions that it creates."""

    place: str
    step: str
    causes: tuple[VersionCause, ...]


class ProposalDocument(Frozen):
    """One change of a workflow. Units: `unneeded` and `needed` in versions that it avoids."""

    place: str
    text: str = Field(alias="words")
    patch: str
    unneeded: NonNegativeInt = Field(alias="left")
    needed: NonNegativeInt


class WorkflowsDocument(Frozen):
    """The workflows that push the versions, and what to change in them."""

    attributions: tuple[AttributionDocument, ...]
    proposals: tuple[ProposalDocument, ...]
    unread: tuple[str, ...]


class DiagnosedDocument(Frozen):
    """One repository: its versions, causes and weeks, which are left out with an error."""

    repository: Repository
    error: str
    hint: str
    forecast: ForecastDocument | None
    policy: str | None
    workflows: WorkflowsDocument | None
    diagnosed_at: AwareDatetime = _NEVER
    versions: NonNegativeInt = 0
    tagged: NonNegativeInt = 0
    needed: NonNegativeInt = 0
    unneeded: NonNegativeInt = Field(0, alias="left")
    unneeded_bytes: NonNegativeInt = 0
    requests: NonNegativeInt = 0
    causes: dict[VersionCause, CauseDocument] = {}
    findings: tuple[VersionDocument, ...] = ()
    weeks: tuple[WeekDocument, ...] = ()
    suggestion: str = ""


class DiagnoseDocument(Frozen):
    """What `reconciler diagnose --format json` writes."""

    repositories: tuple[DiagnosedDocument, ...]


class ErrorDocument(Frozen):
    """Why a repository could not be read, and what to do."""

    message: str
    hint: str


class FindingDocument(Frozen):
    """One finding of a check."""

    kind: Kind
    alarm: bool
    message: str
    cure: str
    examples: tuple[str, ...]


class CheckedDocument(Frozen):
    """The findings in one repository."""

    repository: Repository | Literal[""]
    error: ErrorDocument | None
    findings: tuple[FindingDocument, ...]


class CheckDocument(Frozen):
    """What `reconciler check --format json` writes."""

    alarms: NonNegativeInt
    unread: NonNegativeInt
    repositories: tuple[CheckedDocument, ...]
