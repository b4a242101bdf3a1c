"""The findings of a check as text, JSON and Markdown."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from rich.text import Text

from reconciler.analysis.health import HealthFinding, HealthResult
from reconciler.formats.markdown import code
from reconciler.formats.phrases import counted
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View

EXAMPLES = 5
"""Most examples of one finding that are printed without `--all`."""


def render(checked: Sequence[HealthResult], view: View) -> str:
    """Print every finding with what to do, then the summary."""
    return printed(_lines(checked, view), view)


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
    return "\n".join([f"### {_sentence(checked)}", "", *_paragraphs(checked, view)]) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[HealthResult], View], str]] = {
    "text": render,
    "json": as_json,
    "markdown": as_markdown,
}
"""Each format by its name. To add a format, add its function here."""


def _lines(checked: Sequence[HealthResult], view: View) -> Iterator[Text]:
    for result in filter(_has_news, checked):
        yield line((result.repository, "bold"))
        if result.error:
            yield from wrapped(f"cannot be read: {result.error}", view, lead="  ! ", style="red")
            yield from wrapped(result.error.hint, view, lead="    ")
        for finding in result.findings:
            sign, style = ("!", "red") if finding.kind.is_alarm else ("-", "yellow")
            text = f"{finding.kind}: {finding.message}"
            yield from wrapped(text, view, lead=f"  {sign} ", style=style)
            for example in _examples(finding, view):
                yield from wrapped(example, view, lead="      ")
            yield from wrapped(finding.cure, view, lead="    ")
        yield line()
    # An unread repository is not known to be well, so it counts like a finding.
    alarming = _alarms(checked) or any(result.error for result in checked)
    yield line((_sentence(checked), "bold red" if alarming else "bold green"))


def _paragraphs(checked: Sequence[HealthResult], view: View) -> Iterator[str]:
    for result in filter(_has_news, checked):
        yield f"**{code(result.repository)}**"
        yield ""
        if result.error:
            error = result.error
            yield f"- :x: cannot be read: {code(str(error))} {code(error.hint)}".rstrip()
        for finding in result.findings:
            sign = ":x:" if finding.kind.is_alarm else ":information_source:"
            yield f"- {sign} **{finding.kind}**: {code(finding.message)}"
            yield from (f"  - {code(example)}" for example in _examples(finding, view))
            yield f"  - What to do: {code(finding.cure)}"
        yield ""


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
