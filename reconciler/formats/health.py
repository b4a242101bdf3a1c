"""The findings of a check as text, JSON and Markdown."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.text import Text

from reconciler.analysis.health import HealthFinding, HealthResult
from reconciler.formats.markdown import code
from reconciler.formats.phrases import counted
from reconciler.formats.terminal import line, printed, wrapped
from reconciler.formats.view import View

EXAMPLES = 5
"""Most examples of one finding that are printed, unless all are asked for."""


def render(checked: Sequence[HealthResult], view: View) -> str:
    """Print every finding with what to do, then one sentence; that alone where all is well."""
    return printed(_lines(checked, view), view)


def as_json(checked: Sequence[HealthResult], _: View) -> str:
    """Write the same as one JSON document, with all examples."""
    document = {
        "alarms": _alarms(checked),
        "unread": sum(one.error is not None for one in checked),
        "repositories": [_document(one) for one in checked],
    }
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def as_markdown(checked: Sequence[HealthResult], view: View) -> str:
    """Write the same for an issue or a step summary, the sentence first."""
    return "\n".join([f"### {_sentence(checked)}", "", *_paragraphs(checked, view)]) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[HealthResult], View], str]] = {
    "text": render,
    "json": as_json,
    "markdown": as_markdown,
}
"""Each format by its name: a new one is one line here."""


def _lines(checked: Sequence[HealthResult], view: View) -> Iterator[Text]:
    for one in filter(_has_news, checked):
        yield line((one.repository, "bold"))
        if one.error:
            yield from wrapped(f"cannot be read: {one.error}", view, lead="  ! ", style="red")
            yield from wrapped(one.error.hint, view, lead="    ")
        for finding in one.findings:
            sign, style = ("!", "red") if finding.kind.is_alarm else ("-", "yellow")
            words = f"{finding.kind}: {finding.message}"
            yield from wrapped(words, view, lead=f"  {sign} ", style=style)
            for example in _examples(finding, view):
                yield from wrapped(example, view, lead="      ")
            yield from wrapped(finding.cure, view, lead="    ")
        yield line()
    alarming = _alarms(checked) or any(one.error for one in checked)
    yield line((_sentence(checked), "bold red" if alarming else "bold green"))


def _paragraphs(checked: Sequence[HealthResult], view: View) -> Iterator[str]:
    for one in filter(_has_news, checked):
        yield f"**{code(one.repository)}**"
        yield ""
        if one.error:
            yield f"- :x: cannot be read: {code(str(one.error))} {code(one.error.hint)}".rstrip()
        for finding in one.findings:
            sign = ":x:" if finding.kind.is_alarm else ":information_source:"
            yield f"- {sign} **{finding.kind}**: {code(finding.message)}"
            yield from (f"  - {code(example)}" for example in _examples(finding, view))
            yield f"  - What to do: {code(finding.cure)}"
        yield ""


def _examples(finding: HealthFinding, view: View) -> Iterator[str]:
    """Yield examples, as many as are wanted, and how many more there are."""
    limit = len(finding.examples) if view.all_rows else EXAMPLES
    yield from finding.examples[:limit]
    if len(finding.examples) > limit:
        yield f"... and {len(finding.examples) - limit:,} more; --all shows them"


def _sentence(checked: Sequence[HealthResult]) -> str:
    where = counted(len(checked), "repository", "repositories")
    unread = sum(one.error is not None for one in checked)
    notices = sum(len(one.findings) for one in checked) - _alarms(checked)
    told = [
        counted(_alarms(checked), "finding") if _alarms(checked) else "",
        f"{unread} of them could not be read" if unread else "",
        counted(notices, "notice") if notices else "",
    ]
    verdict = ", ".join(filter(None, told))
    well = "" if _alarms(checked) or unread else "all is well"
    return f"Check: {where}, {', '.join(filter(None, (well, verdict)))}."


def _alarms(checked: Sequence[HealthResult]) -> int:
    return sum(finding.kind.is_alarm for one in checked for finding in one.findings)


def _has_news(one: HealthResult) -> bool:
    return bool(one.findings or one.error)


def _document(one: HealthResult) -> dict[str, Any]:
    error = {"message": str(one.error), "hint": one.error.hint} if one.error else None
    return {
        "repository": one.repository,
        "error": error,
        "findings": [
            {
                "kind": finding.kind,
                "alarm": finding.kind.is_alarm,
                "message": finding.message,
                "cure": finding.cure,
                "examples": finding.examples,
            }
            for finding in one.findings
        ],
    }
