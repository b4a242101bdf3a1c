"""Why a version was deleted, as text and JSON: who, when, which rule, and how to restore it."""

import json
from collections.abc import Iterator, Sequence

from rich.text import Text

from reconciler.core.history import Attempt
from reconciler.formats.phrases import counted, distance, moment
from reconciler.formats.terminal import first_rows, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.journal import Result, RunOpenBody
from reconciler.model.names import Repository

DeletionOf = tuple[Repository, Attempt]

_SHORT = 12
"""Digits of a file's sha256 that are printed."""

_ENDS = {
    Result.DELETED: "Deleted",
    Result.ABSENT: "Already absent",
    Result.SKIPPED_CHANGED: "Skipped, because it had changed,",
    Result.SKIPPED_REFERENCED: "Skipped, because a kept image needed it,",
    Result.RETAINED: "Retained by the registry",
    Result.NOT_DONE: "Planned, but not begun,",
    Result.FAILED: "Failed to delete",
    Result.UNKNOWN: "Deletion with unknown outcome, which the next run resolves,",
    None: "Deletion announced, outcome not recorded,",
}


def render(deletions: Sequence[DeletionOf], name: str, view: View) -> str:
    """Print each attempt to delete the named version, the latest first."""
    displayed = first_rows(deletions, view)
    lines: list[Text] = []
    if not deletions:
        lines += wrapped(f"No run deleted {name} or planned to.", view)
    for repository, attempt in displayed:
        lines.append(line((f"{repository}@{attempt.digest}", "bold")))
        tags = f"tagged {', '.join(attempt.tags)}" if attempt.tags else "without a tag"
        lines += wrapped(tags, view, lead="  ")
        who = f", {attempt.opened.body.who}" if attempt.opened and attempt.opened.body.who else ""
        when = f"{moment(attempt.at)} ({distance(attempt.at, view.now)})"
        end = f"{_ENDS[attempt.result]} {when} by run {attempt.run}{who}"
        lines += wrapped(end, view, lead="  ")
        for reason in _reasons(attempt):
            lines += wrapped(reason, view, lead="    ")
        lines += _undo(attempt, view)
    if hidden := len(deletions) - len(displayed):
        lines.append(line(f"... and {counted(hidden, 'earlier attempt')}"))
    return printed(lines, view)


def as_json(deletions: Sequence[DeletionOf]) -> str:
    """Write the attempts as JSON."""
    documents = [
        {
            "repository": repository,
            "digest": attempt.digest,
            "tags": attempt.tags,
            "run": attempt.run,
            "at": attempt.at.isoformat(),
            "result": attempt.result,
            "reason": attempt.ended.body.reason if attempt.ended else "",
            "rules": attempt.intent.body.rules,
            "reasons": attempt.intent.body.reasons,
            # Only what was recorded: journals of older releases have fewer fields.
            "opened": attempt.opened.body.model_dump(exclude_unset=True)
            if attempt.opened
            else None,
            "restorable_until": attempt.until.isoformat() if attempt.until else None,
            "restored_by": attempt.restored.run if attempt.restored else None,
        }
        for repository, attempt in deletions
    ]
    return json.dumps(documents, indent=2, sort_keys=True) + "\n"


def _reasons(attempt: Attempt) -> Iterator[str]:
    """Yield the registry's reason, the rules' reasons, then the policy and the plan."""
    opened = attempt.opened.body if attempt.opened else RunOpenBody()
    if attempt.ended and attempt.ended.body.reason:
        yield attempt.ended.body.reason
    yield from attempt.intent.body.reasons
    # Journals of older releases record less, so each part but the policy may be missing.
    policy = (
        f"policy {opened.policy or 'unknown'}",
        f"in {opened.policy_file} (sha256 {opened.policy_sha256[:_SHORT]})"
        if opened.policy_file
        else "",
        f"of commit {opened.commit}" if opened.commit else "",
        f"in run {opened.workflow_run}" if opened.workflow_run else "",
        f"of {opened.workflow_repository}" if opened.workflow_repository else "",
    )
    yield " ".join(filter(None, policy))
    if opened.plan:
        yield f"plan {opened.plan}"


def _undo(attempt: Attempt, view: View) -> Iterator[Text]:
    """Say whether a deletion was undone or can be, and how."""
    if attempt.restored:
        restored = attempt.restored
        yield line(f"  Restored {moment(restored.ts)} by run {restored.run}")
    elif attempt.result is Result.DELETED:
        yield line(f"  {_restorable(attempt, view)}")
        if attempt.until is None or attempt.until > view.now:
            # Not broken into lines, so that it can be copied.
            yield line(f"    reconciler undo {attempt.run} --only {attempt.digest.short}")


def _restorable(attempt: Attempt, view: View) -> str:
    until = attempt.until
    if until is None:
        return "If the registry can restore it:"
    # A period of undo that ends with the deletion stands for a registry that cannot restore.
    if until == attempt.at:
        return "The registry cannot restore it."
    if until <= view.now:
        return f"It could be restored until {moment(until)}."
    return f"Can be restored until {moment(until)} ({distance(until, view.now)}):"
