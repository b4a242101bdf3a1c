"""The log as text and JSON: a list of runs, the records of a run, why a version was deleted."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from reconciler.core.history import Attempt
from reconciler.formats.phrases import counted, distance, duration, moment
from reconciler.formats.terminal import first_rows, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.journal import (
    HoldBody,
    IntentBody,
    JournalBody,
    LockBreakBody,
    OutcomeBody,
    Record,
    ReleaseBody,
    ResolveBody,
    Result,
    RunCloseBody,
    RunOpenBody,
    VersionBody,
    run_of,
)
from reconciler.model.names import Repository

Journals = Mapping[Repository, Sequence[Record]]
"""The records of each repository, in the order they were written."""

Located = tuple[Repository, Record]
"""A record, and the repository whose journal holds it."""

DeletionOf = tuple[Repository, Attempt]
"""An attempt to delete a version, and the repository it was in."""

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
    # The run ended between the two records, for example because it was killed.
    None: "Deletion announced, outcome not recorded,",
}


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, as the journals of its repositories record it.

    Shape: `closed` is None for a run that was killed; `end` is why it ended.
    """

    run: str
    opened: datetime
    closed: datetime | None
    end: str
    who: str
    repositories: tuple[Repository, ...]
    results: Mapping[str, int]

    @property
    def counts_text(self) -> str:
        """The number of versions by result."""
        counts = (f"{n:,} {result.replace('_', ' ')}" for result, n in self.results.items())
        return ", ".join(counts) or "nothing"

    @property
    def took(self) -> str:
        """How long the run took; where that is unknown, how it ended."""
        return duration(self.closed - self.opened) if self.closed else self.end


def located(journals: Journals, run: str = "") -> list[Located]:
    """Return the records of all repositories, or of one run, in chronological order."""
    selected = (
        (repository, record)
        for repository, records in journals.items()
        for record in records
        if run in ("", run_of(record))
    )
    # The clock can stand still between two records, so their order in the journal counts as well.
    return sorted(selected, key=lambda pair: (pair[1].ts, pair[0], pair[1].seq))


def summaries(journals: Journals) -> list[RunSummary]:
    """Sum up each run, the latest first."""
    by_run: dict[str, list[Located]] = defaultdict(list)
    for repository, record in located(journals):
        by_run[run_of(record)].append((repository, record))
    runs = [_summary(run, records) for run, records in by_run.items()]
    return sorted(runs, key=lambda run: (run.opened, run.run), reverse=True)


def _summary(run: str, entries: Sequence[Located]) -> RunSummary:
    records = [record for _, record in entries]
    closed, end = _ending(run, records)
    # The last record of a version counts: an unknown outcome is resolved by a later run.
    bodies = (record.content for record in records)
    last = {
        body.version_key: body.result
        for body in bodies
        if isinstance(body, OutcomeBody | ResolveBody)
    }
    counts = Counter(last.values())
    users = (
        record.content.who
        for record in records
        if isinstance(record.content, RunOpenBody | LockBreakBody)
    )
    return RunSummary(
        run=run,
        opened=records[0].ts,
        closed=closed,
        end=end,
        who=next(filter(None, users), ""),
        repositories=tuple(sorted({repository for repository, _ in entries})),
        results={result: counts[result] for result in Result if counts[result]},
    )


def _ending(run: str, records: Sequence[Record]) -> tuple[datetime | None, str]:
    """Return when and why a run ended; the time is None where another run closed it."""
    closings = [
        (record, record.content) for record in records if isinstance(record.content, RunCloseBody)
    ]
    if not closings:
        return None, "open"
    # Another run that closes an interrupted one writes the time at which it did so, not the end.
    own = [record.ts for record, _ in closings if record.run == run]
    return max(own, default=None), closings[-1][1].reason


def render_runs(runs: Sequence[RunSummary], view: View) -> str:
    """Print a list of runs."""
    lines = [] if runs else [line("No run has been recorded yet.")]
    for run in runs:
        where = counted(len(run.repositories), "repository", "repositories")
        when = f"{moment(run.opened)}  {distance(run.opened, view.now)}"
        lines.append(line((run.run, "bold"), f"  {when}  {run.took}"))
        facts = "; ".join(filter(None, (run.counts_text, where, run.who)))
        lines += wrapped(facts, view, lead="    ")
    return printed(lines, view)


def render_records(records: Sequence[Located], view: View) -> str:
    """Print records, each with its time, type, version and details."""
    lines = [] if records else [line("No record matches.")]
    for repository, record in records:
        body = record.content
        subject = body.key if isinstance(body, VersionBody) and body.key else repository
        head = (f"{record.ts:%Y-%m-%d %H:%M:%S}  ", (record.type, "bold"), f"  {subject}")
        lines.append(line(*head))
        lines += wrapped(_details(body), view, lead="    ")
    return printed(lines, view)


def runs_as_json(runs: Iterable[RunSummary]) -> str:
    """Write runs as JSON."""
    return _json(
        {
            "run": run.run,
            "opened": run.opened.isoformat(),
            "closed": run.closed.isoformat() if run.closed else None,
            "end": run.end,
            "who": run.who,
            "repositories": run.repositories,
            "results": dict(run.results),
        }
        for run in runs
    )


def records_as_json(records: Iterable[Located]) -> str:
    """Write complete records as JSON, each with its repository."""
    return _json(
        {"repository": repository, **record.model_dump(mode="json")}
        for repository, record in records
    )


def _json(documents: Iterable[object]) -> str:
    return json.dumps(list(documents), indent=2, sort_keys=True) + "\n"


def _details(body: JournalBody) -> str:
    """Describe what a record adds to its type and version, without ids and hashes."""
    match body:
        case IntentBody():
            parts = [", ".join(body.tags), "; ".join(body.reasons)]
        case OutcomeBody():
            parts = [_result_text(body.result), body.reason]
        case ResolveBody():
            parts = [
                _result_text(body.result),
                ", ".join(body.tags),
                "; ".join(body.reasons),
                body.reason,
                f"of run {body.of}",
            ]
        case RunOpenBody():
            parts = [
                f"undoes run {body.undoes}" if body.undoes else "",
                f"by {body.who}" if body.who else "",
            ]
        case RunCloseBody():
            counts = (f"{count} {_result_text(result)}" for result, count in body.counts.items())
            parts = [body.reason, f"of run {body.of}" if body.of else "", ", ".join(counts)]
        case LockBreakBody():
            parts = [f"of run {body.of}", f"by {body.who}"]
        case HoldBody() | ReleaseBody():
            parts = [counted(len(body.digests), "version")]
        case _:
            parts = []
    return " | ".join(filter(None, parts))


def _result_text(result: str) -> str:
    """Write a result as text."""
    return result.replace("_", " ")


def render_deletions(deletions: Sequence[DeletionOf], name: str, view: View) -> str:
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


def deletions_as_json(deletions: Sequence[DeletionOf]) -> str:
    """Write the attempts as JSON."""
    return _json(
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
    )


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
        until = attempt.until
        if until is None:
            text = "If the registry can restore it:"
        # A period of undo that ends with the deletion stands for a registry that cannot restore.
        elif until == attempt.at:
            text = "The registry cannot restore it."
        elif until <= view.now:
            text = f"It could be restored until {moment(until)}."
        else:
            text = f"Can be restored until {moment(until)} ({distance(until, view.now)}):"
        yield line(f"  {text}")
        if until is None or until > view.now:
            # Not broken into lines, so that it can be copied.
            yield line(f"    reconciler undo {attempt.run} --only {attempt.digest.short}")
