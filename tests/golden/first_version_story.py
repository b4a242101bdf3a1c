"""The history of one repository, from which `first_version/` was made.

It was run once with the code of the first version (commit 3d687a4), whose state directory and two
plans were kept: `state`, `deletion.json` and `restoration.json`. The tests run it with the code of
today to have the same registry once more, and put the old state beside it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from reconciler.model.plan import DeletionPlan, RestorePlan
from reconciler.model.ports import Holder, State
from tests.support.documents import attestation, cosign_tag, image, index, signature
from tests.support.scenes import Scene, policy
from tests.support.undoing import draw, release, undo

BreakLocks = Callable[[str, State, Holder], Sequence[Any]]

LATEST = image("latest")
AMD64 = image("pr 7", platform="linux/amd64")
ARM64 = image("pr 7", platform="linux/arm64")
BUILD = index(AMD64, ARM64)
SIGNED = signature(BUILD)
ATTESTED = attestation(BUILD)
REFUSED = image("pr 8")
PARTS = [image(f"part {number}") for number in range(105)]
KEPT_PARTS, MANY = index(*PARTS), index(*PARTS, image("pr 6"))
KILLED = image("pr 9")
OPEN = image("pr 10")
POLICY = policy(
    rules=[
        {"name": "previews", "match": {"tags": ["pr-*", "preview"]}, "keep": {"none": True}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
    ],
    protect=[{"name": "moving", "match": {"tags": ["latest", "parts"]}}],
)


class Killed(BaseException):
    """The process ends here."""


def tell(scene: Scene, break_locks: BreakLocks) -> tuple[DeletionPlan, RestorePlan]:
    """Delete, be killed, resolve, undo, release, break a lock; return the two plans that remain."""
    scene.policy = POLICY
    scene.push(LATEST, "latest")
    scene.push(KEPT_PARTS, "parts")
    scene.push(MANY, "pr-6")
    scene.push(BUILD, "pr-7")
    scene.push(SIGNED, cosign_tag(BUILD))
    scene.push(ATTESTED)
    scene.later(hours=1)
    scene.push(REFUSED, "pr-8", "preview")
    scene.registry.refuses[REFUSED.digest] = "This version has more than 5,000 downloads."
    scene.registry.visibility = "private"
    scene.later(days=2)
    scene.apply()
    scene.push(KILLED, "pr-9")
    scene.later(days=2)
    _killed(scene, scene.plan())
    scene.apply()
    undo(scene)
    release(scene, "pr-7")
    scene.registry.storage.push(OPEN, "pr-10")
    scene.later(days=2)
    own = scene.state.of(scene.registry.repository)
    with own.lock(Holder("run-9", "octocat", "runner-7", scene.time.now)):
        break_locks("run-9", scene.state, Holder("break-1", "hubot", "laptop", scene.time.now))
    deletion, restoration = scene.plan(), draw(scene, "run-3")
    # This run leaves an intent without an outcome.
    _killed(scene, deletion)
    return deletion, restoration


def _killed(scene: Scene, plan: DeletionPlan) -> None:
    scene.registry.fail("delete", Killed())
    try:
        scene.apply(plan)
    except Killed:
        return
    raise AssertionError("the run was not killed")
