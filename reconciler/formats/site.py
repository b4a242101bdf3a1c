"""A folder of pages: an index, and for each repository all that can be said about it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.analysis.diagnose.diagnose import DiagnosisResult
from reconciler.analysis.health import HealthResult
from reconciler.analysis.usage import BlobIndex, Usage, UsageTotals, usage_of
from reconciler.formats import diagnosis, health, html_plan, run_history, usage
from reconciler.formats.log import summaries
from reconciler.formats.phrases import counted, distance, size
from reconciler.formats.report import Cell, Column, Report, ReportSection, Table
from reconciler.formats.report_text import render_html
from reconciler.formats.view import PageLink, View
from reconciler.model.journal import Record
from reconciler.model.names import Repository
from reconciler.model.plan import DeletionPlan

INDEX = "index.html"

_TITLES = {
    "diagnose": "Why these versions exist",
    "plan": "Plan",
    "usage": "Storage",
    "check": "Check",
    "log": "Log",
}
"""The pages of one repository, by the commands that make them."""

_COLUMNS = (
    Column("Repository", "code"),
    Column("Versions", "number"),
    Column("Not needed", "number"),
    Column("Size", "number"),
    Column("Plan", "number"),
    Column("Check"),
    Column("Last run", "number"),
)


@dataclass(frozen=True, slots=True)
class SiteRepository:
    """All that is known of one repository.

    Shape: `usage` is None where it could not be read; `plan` and `health` are None where no policy
        governs it; `records` is its journal.
    """

    diagnosed: DiagnosisResult
    usage: Usage | None = None
    plan: DeletionPlan | None = None
    health: HealthResult | None = None
    records: Sequence[Record] = ()

    @classmethod
    def of(
        cls,
        diagnosed: DiagnosisResult,
        plan: DeletionPlan | None,
        health: HealthResult | None,
        records: Sequence[Record],
    ) -> "SiteRepository":
        """Put together what is known, and measure the storage and what the plan would free."""
        storage = None
        if diagnosed.diagnosis:
            changes = (
                (change for part in plan.repositories for change in part.changes) if plan else ()
            )
            deleted = frozenset(change.digest for change in changes)
            measured = diagnosed.diagnosis.usage_input(deleted if plan else None)
            storage = usage_of(BlobIndex(measured.inventory), measured.causes, measured.to_delete)
        return cls(diagnosed, storage, plan, health, records)

    @property
    def repository(self) -> Repository:
        """Its name."""
        return self.diagnosed.repository


def site(repositories: Sequence[SiteRepository], view: View) -> Iterator[tuple[str, str]]:
    """Yield each page: its path below the folder, and its content."""
    every = replace(view, all_rows=False)
    yield INDEX, render_html(index_report(repositories, view), view)
    for each in repositories:
        folder = folder_of(each.repository)
        up = "../" * (folder.count("/") + 1)
        contents = pages_of(each)
        for name in contents:
            links = [PageLink("All repositories", f"{up}{INDEX}")]
            links += [
                PageLink(_TITLES[other], "" if other == name else f"{other}.html")
                for other in contents
            ]
            text = _written(contents[name], each, replace(every, pages=links))
            yield f"{folder}/{name}.html", text


def folder_of(repository: Repository) -> str:
    """Return the folder of the pages of a repository, below that of the index."""
    # Archives of workflows refuse a colon, and no host has an underscore.
    return repository.replace(":", "_")


def pages_of(each: SiteRepository) -> Mapping[str, Report | DeletionPlan | None]:
    """Return what each page of a repository shows; None for the log, which depends on the time."""
    pages: dict[str, Report | DeletionPlan | None] = {
        "diagnose": diagnosis.report([each.diagnosed])
    }
    if each.plan:
        pages["plan"] = each.plan
    if each.usage:
        pages["usage"] = usage.report(UsageTotals((each.usage,), 0))
    if each.health:
        pages["check"] = health.report([each.health])
    return {**pages, "log": None}


def _written(content: Report | DeletionPlan | None, each: SiteRepository, view: View) -> str:
    if isinstance(content, DeletionPlan):
        return html_plan.render(content, view)
    return render_html(content or run_history.report(each.repository, each.records, view), view)


def index_report(repositories: Sequence[SiteRepository], view: View) -> Report:
    """List the repositories, those with most versions that nothing needs first."""
    results = [each.diagnosed for each in repositories]
    summary = diagnosis.report(results)
    ordered = sorted(repositories, key=lambda each: (-_unneeded(each), each.repository))
    rows = [_row(each, view) for each in ordered]
    table = Table(counted(len(rows), "repository", "repositories"), _COLUMNS, rows)
    return Report(
        title="Images in container registries",
        last=f"{summary.last} As of {view.now:%Y-%m-%d %H:%M} UTC.",
        figures=summary.figures,
        sections=(ReportSection("Repositories", tables=(table,)),),
        answer=summary.answer,
        next=summary.next,
    )


def _unneeded(each: SiteRepository) -> int:
    return each.diagnosed.diagnosis.unneeded if each.diagnosed.diagnosis else 0


def _row(each: SiteRepository, view: View) -> Sequence[Cell]:
    folder = folder_of(each.repository)
    read = each.diagnosed.diagnosis
    none = Cell("", -1)
    versions = len(read.findings) if read else 0
    storage, plan, checked = each.usage, each.plan, each.health
    runs = summaries({each.repository: each.records})
    findings = sum(finding.kind.is_alarm for finding in checked.findings) if checked else 0
    state = "unread" if checked and checked.error else counted(findings, "finding")
    deleted = plan.summary.delete if plan else 0
    return (
        Cell(each.repository, page=f"{folder}/diagnose.html"),
        Cell(f"{versions:,}", versions) if read else Cell("unread", -1),
        Cell(f"{_unneeded(each):,}", _unneeded(each)) if read else none,
        Cell(size(storage.octets), storage.octets, f"{folder}/usage.html") if storage else none,
        Cell(f"{deleted:,} to delete", deleted, f"{folder}/plan.html") if plan else none,
        Cell(state, findings, f"{folder}/check.html") if checked else Cell(""),
        Cell(distance(runs[0].opened, view.now), -runs[0].opened.timestamp(), f"{folder}/log.html")
        if runs
        else Cell("none", 0, f"{folder}/log.html"),
    )
