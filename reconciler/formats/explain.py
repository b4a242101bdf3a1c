"""One version explained as text and JSON: what it is, its relatives, rules and decision."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from rich.text import Text

from reconciler.analysis.explain import Explanation, Relative
from reconciler.analysis.nature import Nature
from reconciler.core.fate import Chain, VersionFate
from reconciler.formats.phrases import counted, distance, moment, size
from reconciler.formats.terminal import first_rows, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.causes import Cause
from reconciler.model.inventory import Fact, Version
from reconciler.model.manifest import DocumentKind

_FACTS = {
    Fact.PUSHED: "pushed",
    Fact.CREATED: "built",
    Fact.FIRST_SEEN: "first seen",
    Fact.UNTAGGED_SINCE: "without a tag since",
    Fact.TAGGED_SINCE: "with its tags since",
}

Naming = Callable[[Version], str]
"""Returns the name by which a text calls a version."""


def render(explanation: Explanation, view: View) -> str:
    """Print an explanation: the version, its relatives, the rules, and the verdict last."""
    version, now = explanation.version, explanation.now
    manifest = version.manifest
    platform = explanation.platform if explanation.nature is Nature.PLATFORM else ""
    facts = (
        f"{explanation.nature} {platform}".rstrip(),
        version.kind,
        # The size of an index alone would mislead: its content is in the manifests it lists.
        size(manifest.content_size) if manifest and manifest.shape is DocumentKind.IMAGE else "",
    )
    lines = [line((f"{explanation.repository}@{version.digest}", "bold"))]
    lines += wrapped(", ".join(filter(None, facts)), view, lead="  ")
    if version.tags:
        lines += wrapped(f"tagged {', '.join(version.tags)}", view, lead="  ")
    for fact, label in _FACTS.items():
        if when := version.time(fact):
            lines.append(line(f"  {label} {_dated(when, now)}"))
    lines += _relatives("Keeps", explanation.keeps, ("", "that refers to it"), view)
    if explanation.missing:
        lacking = counted(len(explanation.missing), "manifest")
        lines += [line(), line((f"  Lists {lacking} that the registry lacks", "yellow"))]
        lines += [line(f"    {digest}") for digest in first_rows(explanation.missing, view)]
    links = ("that lists it", "that it refers to")
    lines += _relatives("Kept by", explanation.kept_by, links, view)
    lines += [line(), line(f"  Decided by policy {explanation.policy}")]
    lines += reasons(explanation.fate, view)
    lines.append(line())
    lines += wrapped(f"It {verdict(explanation.fate)}.", view, style="bold")
    lines += wrapped(_outlook(explanation), view)
    return printed(lines, view)


def as_json(explanation: Explanation) -> str:
    """Write an explanation as one JSON document."""
    from_time = explanation.deletable_from
    document = {
        "repository": explanation.repository,
        "digest": explanation.version.digest,
        "tags": explanation.version.tags,
        "nature": explanation.nature,
        "platform": explanation.platform,
        "kind": explanation.version.kind,
        "times": {
            fact: when.isoformat() for fact in Fact if (when := explanation.version.time(fact))
        },
        "policy": explanation.policy,
        "evaluated_at": explanation.now.isoformat(),
        # The keys are part of the format: programs read them, so they keep their first names.
        "goes": explanation.fate.is_deleted,
        "cause": explanation.fate.cause,
        "verdict": verdict(explanation.fate),
        "leaves": from_time.isoformat() if from_time else None,
        "chains": [_chain(chain) for chain in explanation.fate.chains],
        "keeps": [_link(relative) for relative in explanation.keeps],
        "kept_by": [_link(relative) for relative in explanation.kept_by],
        "missing": explanation.missing,
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _dated(when: datetime, now: datetime) -> str:
    return f"{moment(when)} ({distance(when, now)})"


def _relatives(
    heading: str, relatives: Sequence[Relative], links: tuple[str, str], view: View
) -> Iterator[Text]:
    """Print relatives; `links` names the relation through an index, and the one by subject."""
    if not relatives:
        return
    yield line()
    yield line(f"  {heading} {counted(len(relatives), 'version')}")
    for relative in first_rows(relatives, view):
        link = links[0] if relative.listed else links[1]
        # A tag that spells the digest of another version is how that one refers to its relatives.
        tags = ", ".join(tag for tag in relative.version.tags if not tag.subject)
        what = " ".join(filter(None, (relative.nature, _platform(relative), link)))
        text = f"{relative.version.digest.short}  {what}  {tags}".rstrip()
        yield from wrapped(text, view, lead="    ")
    hidden = len(relatives) - len(first_rows(relatives, view))
    if hidden:
        yield line(f"    ... and {hidden:,} more; `--all` prints them")


def _platform(relative: Relative) -> str:
    listed = relative.listed if relative.nature is Nature.PLATFORM else None
    return listed.platform if listed and listed.digest == relative.version.digest else ""


def _outlook(explanation: Explanation) -> str:
    """Say what will change with time alone."""
    if explanation.fate.is_deleted:
        return "The next `reconciler apply` would delete it."
    if explanation.deletable_from is None:
        return "Time alone does not change this."
    unless = "unless it is tagged, a kept image needs it, or the policy changes"
    return (
        f"It would be deleted from {_dated(explanation.deletable_from, explanation.now)} {unless}."
    )


def _chain(chain: Chain) -> dict[str, Any]:
    decision = chain.decision
    return {
        "path": [version.digest for version in chain.path],
        "tags": chain.path[-1].tags,
        "goes": decision.expires,
        "cause": decision.cause,
        "note": decision.note,
        "rules": [
            {
                "name": opinion.rule,
                "keeps": opinion.keeps,
                "reason": opinion.reason,
                "doubtful": opinion.is_doubtful,
            }
            for opinion in decision.opinions
        ],
    }


def _link(relative: Relative) -> dict[str, Any]:
    return {
        "digest": relative.version.digest,
        "tags": relative.version.tags,
        "nature": relative.nature,
        "platform": _platform(relative),
        "listed": relative.listed is not None,
    }


def by_digest(version: Version) -> str:
    """Name a version of a registry: by its tags, and by the start of its digest."""
    return f"{', '.join(version.tags)} {version.digest.short}".lstrip()


def verdict(fate: VersionFate, naming: Naming = by_digest) -> str:
    """Say whether a version is kept or would be deleted, and what decides that."""
    if fate.cause is Cause.EXPIRED:
        return "would be deleted: no rule keeps it"
    if fate.cause is Cause.FOLLOWS:
        return f"would be deleted with {_listed([chain.path[-1] for chain in fate.chains], naming)}"
    if fate.note:
        return f"is kept: {fate.note}"
    if fate.cause is Cause.NEEDED:
        others = [chain for chain in fate.chains if len(chain.path) > 1]
        kept = [chain.path[-1] for chain in others if not chain.decision.expires]
        return f"is kept: needed by {_listed(kept, naming)}"
    opinions = fate.own.opinions if fate.own else ()
    # One rule that keeps it is enough, so the first one is the answer.
    rule = next(opinion.rule for opinion in opinions if opinion.keeps)
    return f"is kept: {rule} {'protects' if fate.cause is Cause.PROTECTED else 'keeps'} it"


def reasons(fate: VersionFate, view: View, naming: Naming = by_digest) -> Iterator[Text]:
    """Print each image that decides, with the reason of every rule that covers it."""
    for chain in first_rows(fate.chains, view):
        # A version that is not an image itself is decided through those that list it.
        *way, image = chain.path
        between = [naming(version) for version in reversed(way[1:])]
        through = f" through {', '.join(between)}" if between else ""
        subject = f"{naming(image)}{through}" if way else "the image itself"
        effect = "would be deleted" if chain.decision.expires else "is kept"
        yield from wrapped(f"{subject} {effect}", view, lead="    ")
        texts = list(chain.decision.reasons)
        # Source: docs/policies.md: an unknown or future time counts as new, so that it keeps the
        # image.
        if doubtful := [opinion.rule for opinion in chain.decision.opinions if opinion.is_doubtful]:
            rules = ", ".join(doubtful)
            texts.append(f"counts as new for {rules}: its time is unknown or in the future")
        for text in texts:
            yield from wrapped(text, view, lead="      ")
    hidden = len(fate.chains) - len(first_rows(fate.chains, view))
    if hidden:
        yield line(f"    ... and {counted(hidden, 'more image')}")


def _listed(images: Sequence[Version], naming: Naming) -> str:
    more = f" and {counted(len(images) - 1, 'more image')}" if len(images) > 1 else ""
    return f"{naming(images[0])}{more}"
