"""The findings of a check as text, JSON and Markdown."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.text import Text

from reconciler.analysis.health import HealthFinding, HealthResult
from reconciler.formats.markdown import code
from reconciler.formats.phrases import counted
from reconciler.formats.report import Notice, Report, ReportSection
from reconciler.formats.report_text import render_html
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View

EXAMPLES = 5
"""Most examples of one finding that are printed without `--all`."""


def render(checked: Sequence[HealthResult], view: View) -> str:
    """Print every finding with what to do, then the summary."""
    lines: list[Text] = []
    for result in filter(_has_news, checked):
        lines.append(line((result.repository, "bold")))
        if result.error:
            lines += wrapped(f"cannot be read: {result.error}", view, lead="  ! ", style="red")
            lines += wrapped(result.error.hint, view, lead="    ")
        for finding in result.findings:
            sign, style = ("!", "red") if finding.kind.is_alarm else ("-", "yellow")
            text = f"{finding.kind}: {finding.message}"
            lines += wrapped(text, view, lead=f"  {sign} ", style=style)
            for example in _examples(finding, view):
                lines += wrapped(example, view, lead="      ")
            lines += wrapped(finding.cure, view, lead="    ")
        lines.append(line())
    # An unread repository is not known to be well, so it counts like a finding.
    alarming = _alarms(checked) or any(result.error for result in checked)
    lines.append(line((_sentence(checked), "bold red" if alarming else "bold green")))
    return printed(lines, view)


def as_json(checked: Sequence[HealthResult], _: View) -> str:
    """Write the findings as one JSON document, with all examples."""
    document = {
        "alarms": _alarms(checked),
        "unread": sum(result.error is not None for result in checked),
        "repositories": [
            {
                "repository": result.repository,
                "error": {"message": str(result.error), "hint": result.error.hint}
                if result.error
                else None,
                "findings": [
                    {
                        "kind": finding.kind,
                        "alarm": finding.kind.is_alarm,
                        "message": finding.message,
                        "cure": finding.cure,
                        "examples": finding.examples,
                    }
                    for finding in result.findings
                ],
            }
            for result in checked
        ],
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def as_markdown(checked: Sequence[HealthResult], view: View) -> str:
    """Write the findings for an issue or a step summary, the summary first."""
    lines = [f"### {_sentence(checked)}", ""]
    for result in filter(_has_news, checked):
        lines += [f"**{code(result.repository)}**", ""]
        # Messages and examples quote names from the registry: as code they have no effect.
        if error := result.error:
            text = f"- :x: cannot be read: {code(str(error))} {code(error.hint)}"
            lines.append(text.rstrip())
        for finding in result.findings:
            sign = ":x:" if finding.kind.is_alarm else ":information_source:"
            lines.append(f"- {sign} **{finding.kind}**: {code(finding.message)}")
            lines += [f"  - {code(example)}" for example in _examples(finding, view)]
            lines.append(f"  - What to do: {code(finding.cure)}")
        lines.append("")
    return "\n".join(lines) + "\n"


def report(checked: Sequence[HealthResult]) -> Report:
    """Build the report, a section for each repository, with all examples."""
    sections = []
    for result in checked:
        notices = [
            Notice(
                f"{finding.kind}: {finding.message}",
                (*finding.examples, finding.cure),
                "delete" if finding.kind.is_alarm else "warn",
            )
            for finding in result.findings
        ]
        if result.error:
            texts = [str(result.error), *filter(None, [result.error.hint])]
            notices.append(Notice("This repository could not be read.", texts, "delete"))
        texts = [] if notices else ["All is well."]
        sections.append(ReportSection(result.repository, texts, notices))
    return Report("Check", _sentence(checked), sections=sections)


def as_html(checked: Sequence[HealthResult], view: View) -> str:
    """Write the findings as a page."""
    return render_html(report(checked), view)


FORMATS: Mapping[str, Callable[[Sequence[HealthResult], View], str]] = {
    "text": render,
    "json": as_json,
    "markdown": as_markdown,
    "html": as_html,
}
"""Each format by its name. To add a format, add its function here."""


def _examples(finding: HealthFinding, view: View) -> Iterator[str]:
    """Yield the first examples, or all with `--all`, and count the others."""
    limit = len(finding.examples) if view.all_rows else EXAMPLES
    yield from finding.examples[:limit]
    if len(finding.examples) > limit:
        yield f"... and {len(finding.examples) - limit:,} more; --all shows them"


def _sentence(checked: Sequence[HealthResult]) -> str:
    where = counted(len(checked), "repository", "repositories")
    unread = sum(result.error is not None for result in checked)
    notices = sum(len(result.findings) for result in checked) - _alarms(checked)
    counts = [
        counted(_alarms(checked), "finding") if _alarms(checked) else "",
        f"{unread} of them could not be read" if unread else "",
        counted(notices, "notice") if notices else "",
    ]
    verdict = ", ".join(filter(None, counts))
    well = "" if _alarms(checked) or unread else "all is well"
    return f"Check: {where}, {', '.join(filter(None, (well, verdict)))}."


def _alarms(checked: Sequence[HealthResult]) -> int:
    return sum(finding.kind.is_alarm for result in checked for finding in result.findings)


def _has_news(result: HealthResult) -> bool:
    return bool(result.findings or result.error)
