"""Undo in a scene: plan what to restore, restore it, and tell how it ended."""

from collections.abc import Callable
from datetime import timedelta

from reconciler.core.undo import UndoRequest
from reconciler.engine.plan import PlanTimes
from reconciler.engine.restore import release_holds
from reconciler.engine.run import Run
from reconciler.engine.undo import apply_restorations, draw_restorations
from reconciler.model.names import Mention
from reconciler.model.plan import RestorePlan
from reconciler.model.ports import Holder
from reconciler.model.results import Applied, Outcome
from tests.support.documents import Document, cosign_tag, image, signature
from tests.support.sample_manifests import AMD64, ARM64, BUILD, LATEST, OTHER
from tests.support.scenes import Scene, go_on, policy

SIGNED = signature(BUILD)
NEWER = image("pr 9")
NAMES = {
    "index": BUILD,
    "amd64": AMD64,
    "arm64": ARM64,
    "signature": SIGNED,
    "other": OTHER,
    "newer": NEWER,
    "latest": LATEST,
}
PREVIEWS = policy(
    rules=[
        {"name": "previews", "match": {"tags": ["pr-*", "preview"]}, "keep": {"none": True}},
        {"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}},
    ]
)


def deleted(scene: Scene) -> None:
    """Delete a signed build for two platforms and a lone image, and keep one that is protected."""
    scene.push(LATEST, "latest")
    scene.push(BUILD, "pr-7")
    scene.push(SIGNED, cosign_tag(BUILD))
    scene.later(hours=1)
    scene.push(OTHER, "pr-8", "preview")
    scene.policy = PREVIEWS
    scene.later(days=2)
    scene.apply()
    assert scene.alive == {LATEST.digest}
    scene.registry.calls.clear()


def draw(scene: Scene, run: str = "run-1", only: str = "", *, retag: bool = False) -> RestorePlan:
    """Plan to restore what a run deleted."""
    mention = Mention.parse(only) if only else Mention()
    return draw_restorations(
        UndoRequest(run, mention, retag),
        scene.state,
        lambda _: scene.registry,
        moment=PlanTimes(scene.time.now, scene.time.now, timedelta(days=3)),
        tool="reconciler",
    )


def undo(
    scene: Scene,
    plan: RestorePlan | None = None,
    *,
    name: str = "undo-1",
    retag: bool = False,
    halt: Callable[[], str] = go_on,
) -> Applied:
    """Restore what a plan names, or all that `run-1` deleted, as a run with a name."""
    plan = plan or draw(scene, retag=retag)
    reported: list[Outcome] = []
    holder = Holder(name, "octocat", "runner-7", scene.time.now)
    run = Run(holder, scene.clock, halt, reported.append)
    (applied,) = apply_restorations(plan, lambda _: scene.registry, scene.state, run)
    return applied


def release(scene: Scene, *names: str) -> list[str]:
    """Release what is named, or everything, as a run of its own; return the digests."""
    mentions = [Mention.parse(name) for name in names]
    holder = Holder("release-1", "octocat", "runner-7", scene.time.now)
    released = release_holds(mentions, scene.state, holder)
    return [digest for one in released for digest in one.digests]


def planned(plan: RestorePlan, **documents: Document) -> list[str]:
    """Name what a plan restores, in its order, by the names given."""
    names = {document.digest: name for name, document in documents.items()}
    return [names[change.digest] for part in plan.repositories for change in part.changes]


def warnings(plan: RestorePlan) -> list[str]:
    """Return what a plan warns of."""
    return [text for part in plan.repositories for text in part.warnings]


def reasons(applied: Applied, **documents: Document) -> dict[str, str]:
    """Tell what was said of each restoration, by the names given."""
    names = {document.digest: name for name, document in documents.items()}
    return {names[outcome.change.digest]: outcome.reason for outcome in applied.outcomes}
