"""The log as text and JSON: a list of runs, or the records of some runs."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.formats.phrases import counted, distance, duration, moment
from reconciler.formats.terminal import line, printed, wrapped
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
