"""Which step makes which of the versions found, and the one change that stops most of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from reconciler.core.diagnosing.causes import VersionCause
from reconciler.core.diagnosing.counsel import AdvisedChange, Attribution, WorkflowAdvice
from reconciler.core.diagnosing.finding import CauseGroup
from reconciler.model.names import Repository
from reconciler.workflows.actions import by_action
from reconciler.workflows.changes import WorkflowChange, changes
from reconciler.workflows.files import WorkflowFiles
from reconciler.workflows.made import made_by
from reconciler.workflows.makers import PushStep, Spot
from reconciler.workflows.patches import patch
from reconciler.workflows.scripts import by_script
from reconciler.workflows.workflow import Workflow

MAX_MAKERS = 200
"""Most steps of one workflow that are looked at."""


def advise(
    found: WorkflowFiles, repository: Repository, groups: Iterable[CauseGroup]
) -> WorkflowAdvice:
    """Tell which steps make what was found in a repository, and what to change in them."""
    by_cause = {group.cause: group for group in groups}
    attributions: list[Attribution] = []
    proposals: list[AdvisedChange] = []
    for workflow in found.workflows:
        made = islice(_makers(workflow), MAX_MAKERS)
        pushing = [maker for maker in made if maker.may_push_to(repository)]
        attributions += _attributed(pushing, repository, by_cause)
        possible = changes(workflow, pushing, repository)
        proposals += (_proposal(change, by_cause) for change in possible)
    useful = [one for one in proposals if one.unneeded or one.needed]
    useful.sort(key=lambda one: (-one.unneeded, -one.needed, one.place))
    return WorkflowAdvice(tuple(attributions), tuple(useful), found.unread)


def _makers(workflow: Workflow) -> Iterator[PushStep]:
    """Yield everything that a workflow pushes, in the order of the file."""
    for job, step in workflow.steps:
        spot = Spot(workflow, job, step)
        yield from by_action(spot)
        yield from by_script(spot)


def _attributed(
    pushing: Sequence[PushStep], repository: Repository, found: Mapping[VersionCause, CauseGroup]
) -> Iterator[Attribution]:
    for maker in pushing:
        made = made_by(maker, pushing, repository)
        if causes := tuple(cause for cause in VersionCause if cause in made and cause in found):
            yield Attribution(str(maker.spot), maker.spot.label, causes)


def _proposal(change: WorkflowChange, found: Mapping[VersionCause, CauseGroup]) -> AdvisedChange:
    stopped = [found[cause] for cause in change.stops if cause in found]
    needed = sum(group.needed for group in stopped)
    left = sum(group.count for group in stopped) - needed
    text = patch(change.spot.workflow, change.edits)
    return AdvisedChange(str(change.spot), change.text, text, left, needed)
