"""A plan prepared for display: the facts that all its formats render, each with its own quoting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from reconciler.formats.images import ExpiredImage, expired
from reconciler.formats.phrases import Quote, counted
from reconciler.model.plan import Plan, RepositoryPlan

_VIOLATIONS = {
    "max_delete": "{actual:,.0f} images would be deleted, and the limit is {limit:,}",
    "max_delete_percent": "{actual:.1f}% of the images would be deleted, and the limit is {limit}%",
    "never_empty": "{actual:,.0f} images would be kept, and at least {limit} must be",
}


@dataclass(frozen=True, slots=True)
class GuardStop:
    """A guard that stops a plan: which limit is exceeded, and the option to override it once."""

    guard: str
    violation: str
    override: str

    def sentence(self, quote: Quote = str) -> str:
        """Say of a repository what stops its plan, and how to continue."""
        return (
            f"is stopped by {quote(self.guard)}: {self.violation}."
            f" To override once, plan with {quote(self.override)}"
        )


@dataclass(frozen=True, slots=True)
class RepositoryView:
    """One repository of a plan, with the facts that are computed from it.

    Shape: `newest` is the age of the newest image to delete, None where no age is known.
    Units: `size` in bytes, of all versions to delete.
    """

    part: RepositoryPlan
    images: Sequence[ExpiredImage]
    newest: timedelta | None
    size: int
    stops: Sequence[GuardStop]
    warnings: Sequence[str]

    @property
    def deleted(self) -> int:
        """How many versions would be deleted."""
        return len(self.part.changes)

    @property
    def kept(self) -> int:
        """How many versions would be kept."""
        return self.part.versions - self.deleted


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan, its repositories as displayed, and why it cannot be applied, empty where it can."""

    plan: Plan
    repositories: Sequence[RepositoryView]
    blocked: str

    @property
    def most_deletions_first(self) -> Sequence[RepositoryView]:
        """The repositories by how much there is to review."""
        return sorted(self.repositories, key=lambda view: (-view.deleted, view.part.repository))

    @property
    def warnings(self) -> Sequence[tuple[str, str]]:
        """All warnings, each with its repository."""
        return [
            (repository.part.repository, text)
            for repository in self.repositories
            for text in repository.warnings
        ]


def plan_view(plan: Plan) -> PlanView:
    """Prepare a plan, in the order of its repositories."""
    repositories = []
    for part in plan.repositories:
        images = list(expired(part))
        ages = (age for image in images if (age := image.age(plan.evaluated_at)) is not None)
        repositories.append(
            RepositoryView(
                part=part,
                images=images,
                newest=min(ages, default=None),
                size=sum(change.observed.size for change in part.changes),
                stops=guard_stops(part),
                warnings=list(_warnings(part)),
            )
        )
    incomplete = plan.summary.incomplete
    stopped = sum(part.stopped for part in plan.repositories)
    problems = [
        f"{counted(incomplete, 'repository', 'repositories')} incomplete" if incomplete else "",
        f"{counted(stopped, 'repository', 'repositories')} stopped by guards" if stopped else "",
    ]
    named = ", ".join(filter(None, problems))
    blocked = f"This plan cannot be applied: {named}." if named else ""
    return PlanView(plan, repositories, blocked)


def guard_stops(part: RepositoryPlan) -> Sequence[GuardStop]:
    """Return the guards that stop the plan of a repository, in the order of the plan."""
    return [
        GuardStop(
            guard=guard.name,
            violation=_VIOLATIONS[guard.name].format(actual=guard.actual, limit=guard.limit),
            override=guard.override,
        )
        for guard in part.guards
        if not guard.ok
    ]


def no_undo(part: RepositoryPlan) -> Iterator[str]:
    """Warn where deleted versions cannot be restored."""
    if part.changes and not part.undo:
        yield f"No undo: {part.repository.registry} cannot restore what is deleted."


def raised_guards(part: RepositoryPlan) -> Iterator[str]:
    """Say which guards of one repository are raised for this plan."""
    for guard in part.guards:
        if guard.asked:
            yield f"{guard.name} is {guard.limit:,} for this plan, as requested"


def _warnings(part: RepositoryPlan) -> Iterator[str]:
    """Yield the warnings of one repository for a reviewer, the most serious first."""
    yield from no_undo(part)
    yield from raised_guards(part)
    for guard in part.guards:
        # `never_empty` is a lower limit, so more than half of it says nothing.
        if guard.ok and guard.name != "never_empty" and guard.actual * 2 > guard.limit:
            yield f"{guard.name} is more than half used: {guard.actual:g} of {guard.limit:,}"
    yield from part.warnings
    # These were broken before this plan: it does not delete what they lack.
    yield from (f"already broken: {text}" for text in part.missing)
