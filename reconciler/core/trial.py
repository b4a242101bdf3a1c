"""A policy tried on the images of a test, by the very code that makes plans."""

from collections.abc import Iterator
from dataclasses import dataclass

from reconciler.core.explaining.fate import VersionFate, judge
from reconciler.core.imagined import digests_of, imagined
from reconciler.core.planner import PlanningInput, plan_repository
from reconciler.model.observations import Observations
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy
from reconciler.model.policytest import ExpectedImage, PolicyTest


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that a test asserts.

    Shape: `complaint` is empty when it holds; `fate` is None where it is not about one image.
    """

    name: str
    complaint: str
    fate: VersionFate | None = None

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return not self.complaint


@dataclass(frozen=True, slots=True)
class Trial:
    """A test that was run.

    Shape: one line for each check, where the file speaks of it. Units: lines count from 1.
    """

    path: str
    policy: str
    checks: tuple[Check, ...]
    lines: tuple[int, ...]

    @property
    def failures(self) -> tuple[tuple[int, Check], ...]:
        """The checks that do not hold, each with its line."""
        pairs = zip(self.lines, self.checks, strict=True)
        return tuple((at, check) for at, check in pairs if not check.ok)


def try_policy(policy: Policy, test: PolicyTest) -> tuple[Check, ...]:
    """Decide on the images of a test, and hold the decisions against what it expects.

    Shape: one check for each image, in the order of the test, then one for the guards if the
        test speaks of them.
    Raises: PolicyError, when a rule needs a time that no image of the test has.
    """
    case = PlanningInput(policy, imagined(test), Observations(), test.now.moment)
    return (*_image_checks(case, test), *_guard_checks(case, test))


def _image_checks(case: PlanningInput, test: PolicyTest) -> Iterator[Check]:
    judged, digests = judge(case), digests_of(test)
    for name, image in zip(test.names, test.images, strict=True):
        fate = judged.fate(digests[name])
        yield Check(", ".join(image.tags) or name, _complaint(image, fate), fate)


def _complaint(image: ExpectedImage, fate: VersionFate) -> str:
    """Say what is wrong, empty when nothing is: an image that no one spoke for must stay."""
    expected = image.expect or "keep"
    if expected != ("delete" if fate.goes else "keep"):
        by = f" by {image.by}" if image.by else ""
        return f"expected {image.expect}{by}" if image.expect else "nothing says that it may go"
    deciders = _deciders(fate)
    if image.by and str(image.by) not in (*deciders, fate.cause):
        found = f"{', '.join(deciders)} ({fate.cause})" if deciders else fate.cause
        return f"expected {expected} by {image.by}; it is by {found}"
    return ""


def _deciders(fate: VersionFate) -> list[str]:
    """Name the rules and protections that decide: those that keep, or all that let go."""
    decided = fate.cause in (Cause.PROTECTED, Cause.RULE, Cause.EXPIRED)
    opinions = fate.own.opinions if fate.own and decided else ()
    rules = [opinion.rule for opinion in opinions if opinion.keeps is not fate.goes]
    # A protection by digest has no opinion; its note begins with its name.
    pinned = [fate.note.partition(":")[0]] if fate.cause is Cause.PROTECTED and not rules else []
    return [*rules, *pinned]


def _guard_checks(case: PlanningInput, test: PolicyTest) -> Iterator[Check]:
    if test.guards is None:
        return
    stopping = [guard for guard in plan_repository(case, {}).guards if not guard.ok]
    found = "stop" if stopping else "ok"
    measured = ", ".join(f"{guard.name} {guard.actual:g} vs {guard.limit}" for guard in stopping)
    words = f"expected {test.guards.expect}, and they say {found}: {measured}".removesuffix(": ")
    yield Check("guards", "" if test.guards.expect == found else words)
