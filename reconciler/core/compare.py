"""Compare two policies on one inventory: which decisions change, and which edits cause that.

Also find the edits that weaken protections or guards. The names of rules and the order of lists
have no meaning, so changing them is not an edit.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, takewhile
from operator import attrgetter
from typing import Any, Literal

from reconciler.core.decide import Decision, Decisions, decide
from reconciler.core.graph import Graph, build_graph
from reconciler.core.planner import PlanningInput
from reconciler.core.walk import closure
from reconciler.model.causes import Cause
from reconciler.model.comparison import (
    ChangedImage,
    PolicyEdit,
    RepositoryDifference,
    Shift,
    Weakening,
)
from reconciler.model.durations import Span
from reconciler.model.inventory import Inventory
from reconciler.model.names import Digest
from reconciler.model.policy import Policy
from reconciler.model.rules import Protection, Rule

Part = Literal["rule", "protection", "policy"]

_KINDS = (
    "values_changed",
    "type_changes",
    "dictionary_item_added",
    "dictionary_item_removed",
    "iterable_item_added",
    "iterable_item_removed",
)

_PICKING = ("match.tags", "digests")
"""Lists that protect more images, the longer they are."""

_PASSING_OVER = ("match.except", "match.without")
"""Lists that protect fewer images, the longer they are."""

_LATEST = datetime.max.replace(tzinfo=UTC)
_NOTHING = Decisions({}, frozenset())

_OWN = {""}
"""The name under which edits of the policy itself are listed."""


@dataclass(frozen=True)
class Edits:
    """The edits between two policies, and the former name of each renamed rule or protection."""

    all: tuple[PolicyEdit, ...]
    former: Mapping[str, str]

    def on(self, names: set[str], *parts: Part) -> tuple[PolicyEdit, ...]:
        """Return the edits on rules or protections by one of these names, old or new."""
        former_names = {self.former.get(name, name) for name in names}
        return tuple(e for e in self.all if e.part in parts and e.name in former_names)


def edits_between(before: Policy | None, after: Policy | None) -> Edits:
    """Compare two policies key by key.

    A rule with a new name and the same text was not changed; it keeps its old name here. The
    repositories are left out: the difference already names the policy on each side.
    """
    if before is None or after is None:
        return Edits((), {})
    protections = _named("protection", _bodies(before.protect), _bodies(after.protect))
    rules = _named("rule", _bodies(before.rules), _bodies(after.rules))
    own = _edits("policy", {"": _own(before)}, {"": _own(after)})
    return Edits((*own, *protections.all, *rules.all), {**protections.former, **rules.former})


def _named(part: Part, old: Mapping[str, Any], new: Mapping[str, Any]) -> Edits:
    """Compare rules or protections by name; renamed ones are compared under their old name."""
    removed: dict[str, list[str]] = defaultdict(list)
    # Sorted, so that of several with the same text each is matched with the same one every time.
    for name, body in sorted(old.items()):
        if name not in new:
            removed[_json(body)].append(name)
    added = [(name, _json(body)) for name, body in sorted(new.items()) if name not in old]
    former = {name: removed[text].pop(0) for name, text in added if removed[text]}
    known = {former.get(name, name): body for name, body in new.items()}
    return Edits(tuple(_edits(part, old, known)), former)


def _own(policy: Policy) -> dict[str, Any]:
    """Return the settings that apply to all rules of a policy."""
    return {
        "guards": policy.guards.model_dump(mode="json"),
        "timezone": policy.timezone,
        "unmatched_tags": policy.unmatched_tags,
    }


def _bodies(parts: tuple[Rule, ...] | tuple[Protection, ...]) -> dict[str, dict[str, Any]]:
    """Return each rule's text by its name, with lists sorted, since their order has no meaning."""
    documents = [
        part.model_dump(mode="json", by_alias=True, exclude_defaults=True) for part in parts
    ]
    return {document.pop("name"): _ordered(document) for document in documents}


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(inner) for key, inner in value.items()}
    return sorted(value) if isinstance(value, list) else value


def _edits(part: Part, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[PolicyEdit]:
    """Yield one edit for each key with another value; a list is one value."""
    from deepdiff import DeepDiff  # noqa: PLC0415 - slow to load, and rarely needed

    # Without this, DeepDiff reports two policies with few names in common as a single change.
    difference = DeepDiff(old, new, view="tree", threshold_to_diff_deeper=0)
    levels = (level for kind in _KINDS for level in difference.get(kind, ()))
    # A list is one value, so a path ends where it enters a list: there its steps are numbers.
    paths = {
        tuple(takewhile(lambda step: isinstance(step, str), level.path(output_format="list")))
        for level in levels
    }
    for path in sorted(paths):
        name, *keys = path
        before, after = _json(_at(old, path)), _json(_at(new, path))
        yield PolicyEdit(part=part, name=name, key=".".join(keys), before=before, after=after)


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _json(value: Any) -> str:
    return "" if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)


def weakenings(
    before: Policy | None,
    edits: Edits,
    decided: tuple[Decisions, Decisions],
    deleted_now: Set[Digest],
) -> Iterator[Weakening]:
    """Yield protections that were removed or narrowed, then guards that were loosened.

    Shape: `decided` by the policy before and the one after; `deleted_now` is what only the new
        one deletes.
    """
    old, new = (
        {
            digest: decision
            for digest, decision in side.images.items()
            if decision.cause is Cause.PROTECTED
        }
        for side in decided
    )
    changed = [edit for edit in edits.all if edit.part == "protection"]
    for name, group in groupby(changed, key=attrgetter("name")):
        edited = tuple(group)
        # The images that this protection kept, and that no protection keeps now.
        lost = [
            digest
            for digest, decision in old.items()
            if before and digest not in new and name in protecting(before, decision)
        ]
        if lost or any(_narrows(edit) for edit in edited):
            deleted = sum(digest in deleted_now for digest in lost)
            yield Weakening(edits=edited, images=len(lost), going=deleted)
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


def _narrows(edit: PolicyEdit) -> bool:
    """Whether an edit may narrow a protection; adding one, or extending its list, does not."""
    # Without a key, the whole protection was added or removed.
    if not edit.key:
        return not edit.after
    if edit.key in _PICKING:
        return not _listed(edit.before) <= _listed(edit.after)
    if edit.key in _PASSING_OVER:
        return not _listed(edit.after) <= _listed(edit.before)
    # A protection without `keep` keeps all that it matches, so removing the key widens it. Of any
    # other key it is not certain, and a reviewer should look at it.
    return edit.key != "keep" or bool(edit.after)


def _listed(text: str) -> set[str]:
    return set(json.loads(text or "[]"))


def _loosens(edit: PolicyEdit) -> bool:
    """Whether an edit allows more deletions, whatever the repository contains now."""
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


@dataclass(frozen=True, slots=True)
class Side:
    """One policy and its decisions; a missing policy decides nothing."""

    policy: Policy | None
    decided: Decisions


def blame(kept: Side, deleted: Side, digest: Digest, edits: Edits) -> tuple[PolicyEdit, ...]:
    """Return the edits that best explain why one side keeps an image and the other deletes it.

    There are none if the whole policy was added or removed.
    """
    keeping, deleting = kept.decided.images.get(digest), deleted.decided.images.get(digest)
    if kept.policy is None or keeping is None or deleting is None:
        return ()
    covering = _rules(deleting)
    edits_of_cause: tuple[PolicyEdit, ...] = ()
    match keeping.cause:
        case Cause.PROTECTED:
            edits_of_cause = edits.on(protecting(kept.policy, keeping), "protection")
        case Cause.RULE:
            keepers = {opinion.rule for opinion in keeping.opinions if opinion.keeps}
            edits_of_cause = edits.on(keepers, "rule")
        case Cause.YOUNG:
            edits_of_cause = _settings(edits, "guards.min_age")
        # No rule covered the image, or not all of its tags: the rules that cover it now do.
        case Cause.UNMATCHED_TAG:
            edits_of_cause = (*edits.on(covering, "rule"), *_settings(edits, "unmatched_tags"))
        case Cause.UNCOVERED:
            edits_of_cause = edits.on(covering, "rule")
    # From the most specific explanation to the most general; the first with an edit is reported.
    return (
        edits_of_cause or edits.on(covering | _rules(keeping), "rule") or edits.on(_OWN, "policy")
    )


def _settings(edits: Edits, key: str) -> tuple[PolicyEdit, ...]:
    return tuple(edit for edit in edits.on(_OWN, "policy") if edit.key == key)


def _rules(decision: Decision) -> set[str]:
    return {opinion.rule for opinion in decision.opinions}


def compare(
    case: PlanningInput, before: Policy | None, after: Policy | None
) -> RepositoryDifference:
    """Compare two policies on the same inventory; None means no policy, which deletes nothing.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    graph = build_graph(case.inventory)
    old, new = (
        decide(policy, case.inventory, graph, now=case.now, observations=case.observations)
        if policy
        else _NOTHING
        for policy in (before, after)
    )
    edits = edits_between(before, after)
    deleted_now, kept_now = new.to_delete - old.to_delete, old.to_delete - new.to_delete
    crossing = _Changes(case.inventory, graph, old, new)
    return RepositoryDifference(
        repository=case.inventory.repository,
        before=before.name if before else "",
        after=after.name if after else "",
        weakened=tuple(weakenings(before, edits, (old, new), deleted_now)) if after else (),
        edits=edits.all,
        added=crossing.shifts(deleted_now, Side(before, old), Side(after, new), edits),
        spared=crossing.shifts(kept_now, Side(after, new), Side(before, old), edits),
    )


@dataclass(frozen=True, slots=True)
class _Changes:
    """The versions that one side deletes and the other keeps."""

    inventory: Inventory
    graph: Graph
    old: Decisions
    new: Decisions

    def shifts(
        self, moved: Set[Digest], kept: Side, deleted: Side, edits: Edits
    ) -> tuple[Shift, ...]:
        """Group the changed versions by the edits that cause it, the largest group first."""
        judged = {
            digest: blame(kept, deleted, digest, edits)
            for digest in moved
            if (decision := kept.decided.images.get(digest)) and decision.cause is not Cause.NEEDED
        }
        grouped: dict[tuple[PolicyEdit, ...], list[Digest]] = defaultdict(list)
        for digest in sorted(moved):
            # A follower has no decision of its own: it changes because of an image that keeps it.
            leading = {digest} if digest in judged else closure(self.graph.kept_by, [digest])
            edits_behind = judged[min(leading & judged.keys())] if leading & judged.keys() else ()
            grouped[edits_behind].append(digest)
        shifts = (self._shift(edits, digests) for edits, digests in grouped.items())
        return tuple(sorted(shifts, key=lambda shift: (-shift.versions, str(shift.because))))

    def _shift(self, because: tuple[PolicyEdit, ...], digests: Sequence[Digest]) -> Shift:
        """Return the images among the changed versions, the newest first."""
        # Which versions are images does not depend on the policy: where both sides decided, they
        # decided on the same ones. A missing policy decided on none.
        decided = self.new.images or self.old.images
        images: list[ChangedImage] = []
        for digest in digests:
            if digest in decided:
                version = self.inventory.versions[digest]
                before, after = self.old.images.get(digest), self.new.images.get(digest)
                image = ChangedImage(
                    digest=digest,
                    tags=version.tags,
                    pushed=version.pushed or version.first_seen,
                    before=before.reasons if before else (),
                    after=after.reasons if after else (),
                )
                images.append(image)
        # An unknown push time counts as new, as it does for rules.
        images.sort(key=lambda image: image.pushed or _LATEST, reverse=True)
        return Shift(because=because, images=tuple(images), versions=len(digests))
