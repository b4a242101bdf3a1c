"""The runs that the journals of some repositories tell of."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.formats.humanise import duration
from reconciler.model.journal import Record, Result, key_in, run_of
from reconciler.model.names import Repository

Journals = Mapping[Repository, Sequence[Record]]
"""The records of each repository, in the order they were written."""

Located = tuple[Repository, Record]
"""A record, and the repository whose journal holds it."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, as the journals of the repositories it changed tell of it.

    Shape: `closed` is None for a run that was killed; `end` says why it ended, in one word.
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
        """What became of the versions, in numbers."""
        counts = (f"{n:,} {result.replace('_', ' ')}" for result, n in self.results.items())
        return ", ".join(counts) or "nothing"

    @property
    def took(self) -> str:
        """How long it worked, or how it was left."""
        return duration(self.closed - self.opened) if self.closed else self.end


def located(journals: Journals, run: str = "") -> list[Located]:
    """Put the records of all repositories in the order of time; those of one run, if named."""
    found = (
        (repository, record)
        for repository, records in journals.items()
        for record in records
        if run in ("", run_of(record))
    )
    return sorted(found, key=lambda pair: (pair[1].ts, pair[0], pair[1].seq))


def summaries(journals: Journals) -> list[RunSummary]:
    """Sum up each run, the latest first."""
    by_run: dict[str, list[Located]] = defaultdict(list)
    for repository, record in located(journals):
        by_run[run_of(record)].append((repository, record))
    told = [_summary(run, records) for run, records in by_run.items()]
    return sorted(told, key=lambda one: (one.opened, one.run), reverse=True)


def _summary(run: str, found: Sequence[Located]) -> RunSummary:
    records = [record for _, record in found]
    closed, end = _ending(run, records)
    return RunSummary(
        run=run,
        opened=records[0].ts,
        closed=closed,
        end=end,
        who=next((str(record.body["who"]) for record in records if "who" in record.body), ""),
        repositories=tuple(sorted({repository for repository, _ in found})),
        results=_results(records),
    )


def _ending(run: str, records: Sequence[Record]) -> tuple[datetime | None, str]:
    """Say when and why a run ended; when another one closed it, nobody knows when."""
    closings = [record for record in records if record.type == "run_close"]
    if not closings:
        return None, "open"
    own = [record.ts for record in closings if record.run == run]
    return max(own, default=None), str(closings[-1].body.get("reason", ""))


def _results(records: Iterable[Record]) -> Mapping[str, int]:
    """Count versions by the last result that is known of each."""
    last = {
        key_in(record.body): str(record.body.get("result", ""))
        for record in records
        if record.type in ("outcome", "resolve")
    }
    counts = Counter(last.values())
    return {result: counts[result] for result in Result if counts[result]}
