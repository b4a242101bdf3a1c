"""Plan one repository: turn the decisions into ordered deletions, counts, guards and warnings."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from reconciler.core.decide import Decision, Decisions, decide
from reconciler.core.graph import Graph, build_graph
from reconciler.core.interrupted import Leftover
from reconciler.core.order import deletion_order
from reconciler.core.select import family
from reconciler.model.base import canonical
from reconciler.model.causes import Cause
from reconciler.model.inventory import Inventory, Observations, Version
from reconciler.model.names import Digest, Repository, Tag
from reconciler.model.plan import Guard, GuardName, RepositoryPlan, TagFamily, Waiting
from reconciler.model.plan_rows import Change, Kept, Observed
from reconciler.model.policy import Guards, Policy

_UNTAGGED_RULE = "{name: dangling, match: {untagged: true}, keep: {within: 7d}}"
_REFERRER_RULE = "{name: signatures, match: {tags: ['sha256-*']}, keep: {within: 7d}}"
"""Rules under which leftovers expire: untagged ones, and those whose tag contains a digest."""


MAX_UNREADABLE = 20
"""Most versions with an unreadable document that a plan names one by one."""

RaisedLimits = Mapping[tuple[str, Repository], int]
"""Limits raised for one run: (guard, repository) and the limit to use instead."""


@dataclass(frozen=True, slots=True)
class PlanningInput:
    """Inputs for planning one repository: policy, inventory, observations, evaluation time."""

    policy: Policy
    inventory: Inventory
    observations: Observations
    now: datetime
    undo: bool = False
    leftovers: Mapping[Digest, Leftover] = field(default_factory=dict)
    """What interrupted runs left of images that they deleted: used for warnings only."""

    head: str = ""
    """The hash of the last record of the journal, empty while there is none."""


def plan_repository(case: PlanningInput, allowed: RaisedLimits) -> RepositoryPlan:
    """Plan the deletions in one repository.

    Raises: PolicyError, when a rule needs a time that this registry and state cannot give.
    """
    inventory, guards = case.inventory, case.policy.guards
    graph = build_graph(inventory)
    # The same function decides again before deletions, on the registry of that moment: narrow().
    decided = decide(case.policy, inventory, graph, now=case.now, observations=case.observations)
    decisions = tuple(decided.images.values())
    deleted = sum(decision.expires for decision in decisions)
    counts = ImageCounts(len(decisions), deleted, decided.remaining(decided.to_delete))
    kept_by = Counter(_kept_by(decision) for decision in decisions if not decision.expires)
    return RepositoryPlan(
        repository=inventory.repository,
        policy=case.policy.name,
        complete=True,
        evidence=inventory.evidence,
        versions=len(inventory.versions),
        images=len(decisions),
        state=case.head,
        listing=listing_digest(inventory),
        min_age=guards.min_age,
        undo=case.undo,
        changes=tuple(_changes(inventory, graph, decided)),
        kept=dict(sorted(kept_by.items())),
        protected=_kept(inventory, decisions, Cause.PROTECTED, Cause.HELD),
        retained=_kept(inventory, decisions, Cause.RETAINED),
        unmatched=_tag_families(decisions),
        waiting=_waiting(decisions),
        guards=check_guards(guards, inventory.repository, counts, allowed),
        missing=tuple(
            f"{_name(inventory.versions[digest])} lists {len(children)} missing: {children[0]}"
            for digest, children in sorted(graph.missing.items())
        ),
        unused=tuple(sorted(decided.unused)),
        warnings=(
            *_listing_warnings(inventory),
            *decided.warnings,
            *_leftover_warnings(case.leftovers, decided),
        ),
    )


def _listing_warnings(inventory: Inventory) -> Iterator[str]:
    """Warn of versions that may be missing from the listing, and of unreadable documents."""
    if inventory.doubt:
        yield f"{inventory.doubt}: apply refuses to run until this is resolved"
    unreadable = [
        version
        for version in inventory.versions.values()
        if version.manifest and version.manifest.oddity
    ]
    # A repository may be full of them, and a plan is read by people.
    for version in unreadable[:MAX_UNREADABLE]:
        reason = version.manifest.oddity if version.manifest else ""
        yield f"{_name(version)} is judged by its tags alone, its document is unreadable: {reason}"
    if len(unreadable) > MAX_UNREADABLE:
        yield f"{len(unreadable) - MAX_UNREADABLE} more versions are judged by their tags alone"


def listing_digest(inventory: Inventory) -> str:
    """Hash what was listed: digests, tags and times, in one order."""
    rows = (
        # Without the times from the state, so that it is the same with any state.
        [version.digest, version.tags, str(version.pushed or "")]
        for version in inventory.versions.values()
    )
    # Some at a time: the rows of a million versions as one text would take more than the versions.
    hashed = hashlib.sha256()
    separator = b"["
    while some := list(islice(rows, 1000)):
        hashed.update(separator + canonical(some)[1:-1])
        separator = b","
    hashed.update(b"]" if separator == b"," else b"[]")
    return f"sha256:{hashed.hexdigest()}"


def _kept_by(decision: Decision) -> str:
    """Name what keeps an image: the cause if it has a note of its own, else the first rule."""
    # Each image is counted once, although several rules may keep it.
    keeping = (opinion.rule for opinion in decision.opinions if opinion.keeps)
    return decision.cause if decision.note else next(keeping, decision.cause)


def _changes(inventory: Inventory, graph: Graph, decided: Decisions) -> Iterator[Change]:
    # Step 10 of docs/apply.md begins a component only if all of it is as planned.
    components = deletion_order(inventory, graph, decided.to_delete)
    for number, component in enumerate(components, start=1):
        for digest in component:
            version, decision = inventory.versions[digest], decided.images.get(digest)
            manifest = version.manifest
            if decision:
                reasons = decision.reasons
            else:
                owners = sorted(set(graph.kept_by[digest]))
                others = f" and {len(owners) - 1} more" if len(owners) > 1 else ""
                reasons = (f"deleted with {owners[0]}{others}",)
            yield Change(
                key=f"{inventory.repository}@{digest}",
                digest=digest,
                version_id=version.id,
                component=number,
                cause=decision.cause if decision else Cause.FOLLOWS,
                rules=tuple(opinion.rule for opinion in decision.opinions) if decision else (),
                reasons=reasons,
                observed=Observed(
                    tags=version.tags,
                    kind=version.kind,
                    size=manifest.content_size if manifest else 0,
                    pushed=version.pushed,
                    first_seen=version.first_seen,
                    children=tuple(child.digest for child in manifest.children) if manifest else (),
                    subject=manifest.subject if manifest else None,
                ),
            )


def _kept(
    inventory: Inventory, decisions: tuple[Decision, ...], *causes: Cause
) -> tuple[Kept, ...]:
    return tuple(
        Kept(
            key=f"{inventory.repository}@{decision.image.digest}",
            tags=decision.image.version.tags,
            cause=decision.cause,
            reasons=decision.reasons,
        )
        for decision in decisions
        if decision.cause in causes
    )


def _tag_families(decisions: tuple[Decision, ...]) -> tuple[TagFamily, ...]:
    """Group the tags that no rule matches by shape, the largest group first."""
    families: Mapping[str, list[Tag]] = defaultdict(list)
    for decision in decisions:
        if decision.cause is Cause.UNMATCHED_TAG:
            for tag in decision.unknown_tags:
                families[family(tag)].append(tag)
    return tuple(
        TagFamily(pattern=pattern, count=len(tags), example=min(tags))
        for pattern, tags in sorted(families.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    )


def _waiting(decisions: tuple[Decision, ...]) -> Waiting | None:
    """Count the images that only `min_age` keeps, and find when the first of them expires."""
    young = [decision for decision in decisions if decision.cause is Cause.YOUNG]
    if not young:
        return None
    moments = (decision.young_until for decision in young if decision.young_until)
    return Waiting(count=len(young), until=min(moments, default=None))


def _name(version: Version) -> str:
    return ", ".join(version.tags) or version.digest


def _leftover_warnings(leftovers: Mapping[Digest, Leftover], decided: Decisions) -> Iterator[str]:
    """Warn of leftovers of interrupted runs that no rule covers, and suggest a rule for them."""
    groups: dict[tuple[str, Digest, str], list[Digest]] = defaultdict(list)
    for digest, leftover in leftovers.items():
        decision = decided.images.get(digest)
        if decision and decision.cause in (Cause.UNCOVERED, Cause.UNMATCHED_TAG):
            rule = _UNTAGGED_RULE
            if tags := decision.image.tags:
                # A rule for signatures does not match a leftover that has a tag of its own.
                is_orphan = decision.image.is_orphan
                rule = _REFERRER_RULE if is_orphan else f"a rule that matches the tag {tags[0]}"
            groups[leftover.owner.run, leftover.owner.digest, rule].append(digest)
    for (run, owner, rule), digests in sorted(groups.items()):
        count = "1 version" if len(digests) == 1 else f"{len(digests)} versions"
        yield (
            f"run {run} deleted {owner} but left {count} of it, such as {min(digests)}, "
            f"which no rule covers: to delete what is left, add {rule}"
        )


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """How many images a repository has, a plan deletes, and remain. Units: images (roots).

    Shape: `remaining` does not count orphans, such as a signature whose image is deleted, unless
        the repository has nothing else.
    """

    images: int
    deleted: int
    remaining: int


def check_guards(
    guards: Guards, repository: Repository, counts: ImageCounts, allowed: RaisedLimits
) -> tuple[Guard, ...]:
    """Check a plan against the guards; a limit that is met exactly is allowed.

    Units: images, and percent of the repository's images.
    """
    # An empty repository has no share to compute, and nothing that a guard could protect.
    if not counts.images:
        return ()
    deleted, share = counts.deleted, 100 * counts.deleted / counts.images
    # A raised limit holds for one repository only. Source: docs/adr/0013-who-may-let-more-go.md.
    count_limit = allowed.get(("max_delete", repository), guards.max_delete)
    share_limit = allowed.get(("max_delete_percent", repository), guards.max_delete_percent)
    least = 1 if allowed.get(("never_empty", repository), guards.never_empty) else 0
    checked = (
        _guard("max_delete", repository, count_limit, deleted, ok=deleted <= count_limit),
        _guard("max_delete_percent", repository, share_limit, share, ok=share <= share_limit),
        _guard("never_empty", repository, least, counts.remaining, ok=counts.remaining >= least),
    )
    return tuple(
        guard.model_copy(update={"asked": (guard.name, repository) in allowed}) for guard in checked
    )


def raised_limits(part: RepositoryPlan) -> Iterator[tuple[tuple[str, Repository], int]]:
    """Yield the raised limits that a plan was made with, instead of those of the policy."""
    for guard in part.guards:
        if guard.asked:
            yield (guard.name, part.repository), guard.limit


def _guard(
    name: GuardName, repository: Repository, limit: int, actual: float, *, ok: bool
) -> Guard:
    # Rounded up as well: the limit that is suggested must allow this very plan.
    needed = 0 if name == "never_empty" else math.ceil(actual)
    override = "" if ok else f"--allow {name}:{repository}={needed}"
    # Rounded up, so that 30.001 against a limit of 30 is not displayed as 30.0.
    return Guard(
        name=name, limit=limit, actual=math.ceil(actual * 10) / 10, ok=ok, override=override
    )
