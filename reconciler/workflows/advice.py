"""Which step makes which of the versions found, and the one change that stops most of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from reconciler.core.diagnosing.causes import Cause
from reconciler.core.diagnosing.counsel import Attribution, Counsel, Proposal
from reconciler.core.diagnosing.finding import Group
from reconciler.model.names import Repository
from reconciler.workflows.actions import by_action
from reconciler.workflows.changes import Change, changes
from reconciler.workflows.files import Found
from reconciler.workflows.made import made_by
from reconciler.workflows.makers import Maker, Spot
from reconciler.workflows.patches import patch
from reconciler.workflows.scripts import by_script
from reconciler.workflows.workflow import Workflow

MAX_MAKERS = 200
"""Most steps of one workflow that are looked at."""


def advise(found: Found, repository: Repository, groups: Iterable[Group]) -> Counsel:
    """Tell which steps make what was found in a repository, and what to change in them."""
    by_cause = {group.cause: group for group in groups}
    attributions: list[Attribution] = []
    proposals: list[Proposal] = []
    for workflow in found.workflows:
        made = islice(_makers(workflow), MAX_MAKERS)
        pushing = [maker for maker in made if maker.may_push_to(repository)]
        attributions += _attributed(pushing, repository, by_cause)
        possible = changes(workflow, pushing, repository)
        proposals += (_proposal(change, by_cause) for change in possible)
    useful = [one for one in proposals if one.left or one.needed]
    useful.sort(key=lambda one: (-one.left, -one.needed, one.place))
    return Counsel(tuple(attributions), tuple(useful), found.unread)


def _makers(workflow: Workflow) -> Iterator[Maker]:
    """Yield everything that a workflow pushes, in the order of the file."""
    for job, step in workflow.steps:
        spot = Spot(workflow, job, step)
        yield from by_action(spot)
        yield from by_script(spot)


def _attributed(
    pushing: Sequence[Maker], repository: Repository, found: Mapping[Cause, Group]
) -> Iterator[Attribution]:
    for maker in pushing:
        made = made_by(maker, pushing, repository)
        if causes := tuple(cause for cause in Cause if cause in made and cause in found):
            yield Attribution(str(maker.spot), maker.spot.label, causes)


def _proposal(change: Change, found: Mapping[Cause, Group]) -> Proposal:
    stopped = [found[cause] for cause in change.stops if cause in found]
    needed = sum(group.needed for group in stopped)
    left = sum(group.count for group in stopped) - needed
    text = patch(change.spot.workflow, change.edits)
    return Proposal(str(change.spot), change.words, text, left, needed)
