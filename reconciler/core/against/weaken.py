"""Protections and guards that protect less than before: what a reviewer must see first."""

import json
from collections.abc import Iterator, Set
from itertools import groupby
from operator import attrgetter

from reconciler.core.against.edits import Edits
from reconciler.core.decide import Decision, Decisions
from reconciler.model.difference import PolicyEdit, Weakening
from reconciler.model.names import Digest
from reconciler.model.plan import Cause
from reconciler.model.policy import Policy
from reconciler.model.spans import Span

_PICKING = ("match.tags", "digests")
"""Lists that protect the more, the longer they are."""

_PASSING_OVER = ("match.except", "match.without")
"""Lists that protect the less, the longer they are."""


def weakenings(
    before: Policy | None, edits: Edits, decided: tuple[Decisions, Decisions], added: Set[Digest]
) -> Iterator[Weakening]:
    """Yield protections that are gone or narrower, then guards that let more pass.

    Shape: `decided` by the policy before and the one after; `added` is what goes only now.
    """
    changed = [edit for edit in edits.all if edit.part == "protection"]
    for name, group in groupby(changed, key=attrgetter("name")):
        told = tuple(group)
        lost = list(_unprotected(before, name, *decided)) if before else []
        if lost or any(_narrows(edit) for edit in told):
            going = sum(digest in added for digest in lost)
            yield Weakening(edits=told, images=len(lost), going=going)
    for edit in edits.all:
        if edit.part == "policy" and _loosens(edit):
            yield Weakening(edits=(edit,))


def protecting(policy: Policy, decision: Decision) -> set[str]:
    """Name the protections that keep an image, those by digest among them."""
    names = {opinion.rule for opinion in decision.opinions if opinion.keeps}
    return {
        part.name
        for part in policy.protect
        if part.name in names or decision.image.digest in (part.digests or ())
    }


def _unprotected(before: Policy, name: str, old: Decisions, new: Decisions) -> Iterator[Digest]:
    """Yield the images that a protection kept and that nothing protects now."""
    for digest, decision in old.images.items():
        if decision.cause is Cause.PROTECTED and name in protecting(before, decision):
            now = new.images.get(digest)
            if now is None or now.cause is not Cause.PROTECTED:
                yield digest


def _narrows(edit: PolicyEdit) -> bool:
    """Whether a protection may protect less by an edit; a new one, or a longer list, does not."""
    if not edit.key:
        return not edit.after
    if edit.key in _PICKING:
        return not _listed(edit.before) <= _listed(edit.after)
    if edit.key in _PASSING_OVER:
        return not _listed(edit.after) <= _listed(edit.before)
    return edit.key != "keep" or bool(edit.after)


def _listed(text: str) -> set[str]:
    return set(json.loads(text or "[]"))


def _loosens(edit: PolicyEdit) -> bool:
    """Whether an edit lets more be deleted, whatever there is now."""
    before, after = json.loads(edit.before), json.loads(edit.after)
    match edit.key:
        case "guards.min_age":
            return Span(after).delta < Span(before).delta
        case "guards.max_delete" | "guards.max_delete_percent":
            return bool(after > before)
        case "guards.never_empty" | "unmatched_tags":
            return bool(before in (True, "keep"))
        case _:
            return False
