"""A report of figures and tables as a page to read, search and keep."""

from reconciler.formats.html.page import page
from reconciler.formats.reports.report import Report
from reconciler.formats.view import View


def render(report: Report, _: View) -> str:
    """Write a report as one page: its sentence, its figures, then its sections."""
    return page("report.html.j2", title=report.title, report=report)
