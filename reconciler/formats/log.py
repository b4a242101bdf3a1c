"""The log for people and programs: a list of runs, or records of some of them."""

import json
from collections.abc import Iterable, Iterator, Sequence

from rich.text import Text

from reconciler.formats.humanise import counted, distance, moment
from reconciler.formats.paper import line, printed, wrapped
from reconciler.formats.runs import Located, RunSummary
from reconciler.formats.view import View
from reconciler.model.journal import Record


def render_runs(runs: Sequence[RunSummary], view: View) -> str:
    """Print a list of runs, one line each where it fits."""
    return printed(_run_lines(runs, view), view)


def render_records(records: Sequence[Located], view: View) -> str:
    """Print records, each with its time, its version and what happened."""
    return printed(_record_lines(records, view), view)


def runs_as_json(runs: Iterable[RunSummary]) -> str:
    """Write runs as JSON."""
    return _json(
        {
            "run": one.run,
            "opened": one.opened.isoformat(),
            "closed": one.closed.isoformat() if one.closed else None,
            "end": one.end,
            "who": one.who,
            "repositories": one.repositories,
            "results": dict(one.results),
        }
        for one in runs
    )


def records_as_json(records: Iterable[Located]) -> str:
    """Write records as JSON, each whole, with the repository it belongs to."""
    return _json(
        {"repository": repository, **record.model_dump(mode="json")}
        for repository, record in records
    )


def _json(documents: Iterable[object]) -> str:
    return json.dumps(list(documents), indent=2, sort_keys=True) + "\n"


def _run_lines(runs: Sequence[RunSummary], view: View) -> Iterator[Text]:
    if not runs:
        yield line("No run has changed anything yet.")
    for one in runs:
        where = counted(len(one.repositories), "repository", "repositories")
        yield line(
            (one.run, "bold"),
            f"  {moment(one.opened)}  {distance(one.opened, view.now)}  {one.took}",
        )
        facts = "; ".join(filter(None, (one.counts_text, where, one.who)))
        yield from wrapped(facts, view, lead="    ")


def _record_lines(records: Sequence[Located], view: View) -> Iterator[Text]:
    if not records:
        yield line("No record tells of that.")
    for repository, record in records:
        subject = record.body.get("key", repository)
        yield line(f"{record.ts:%Y-%m-%d %H:%M:%S}  ", (record.type, "bold"), f"  {subject}")
        yield from wrapped(_details(record), view, lead="    ")


def _details(record: Record) -> str:
    """Say what a record adds to its type and its version; ids and hashes are for programs."""
    body = record.body
    words = (
        _result_text(str(body.get("result", ""))),
        ", ".join(map(str, body.get("tags", ()))),
        "; ".join(map(str, body.get("reasons", ()))),
        str(body.get("reason", "")),
        f"of run {body['of']}" if "of" in body else "",
        f"undoes run {body['undoes']}" if "undoes" in body else "",
        counted(len(body["digests"]), "version") if "digests" in body else "",
        f"by {body['who']}" if body.get("who") else "",
        ", ".join(
            f"{count} {_result_text(name)}" for name, count in body.get("counts", {}).items()
        ),
    )
    return " | ".join(filter(None, words))


def _result_text(result: str) -> str:
    """Write a result as words."""
    return result.replace("_", " ")
