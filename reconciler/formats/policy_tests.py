"""Results of policy tests, as text, JSON and JUnit XML."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from rich.text import Text

from reconciler.core.policy_tests import Check, PolicyTestRun
from reconciler.formats.explain import reasons, verdict
from reconciler.formats.terminal import folded, line, printed, wrapped
from reconciler.formats.view import View
from reconciler.model.base import safe
from reconciler.model.inventory import Version

_ROW = 20
"""Least number of signs on one line, however long the file's name is."""


def render(trials: Sequence[PolicyTestRun], view: View) -> str:
    """Print a sign for each check, then each failure with its reasons, then the counts."""
    lines: list[Text] = []
    for trial in trials:
        # A dot for each check that passes, and an F for each that fails, as test runners print.
        signs = "".join("." if check.ok else "F" for check in trial.checks)
        lead = f"{trial.path} "
        for row in folded(signs, max(view.width - len(lead), _ROW)):
            lines.append(line(lead + row))
            lead = " " * len(lead)
    # Failures come after all signs, because a terminal shows only the end of a long report.
    for trial in trials:
        for at, check in trial.failures:
            lines += [line(), line((f"{trial.path}:{at}: {check.name}", "bold red"))]
            lines += failure(check, view)
    passed, failed = counts(trials)
    result = line((f"{passed} passed, {failed} failed", "bold red" if failed else "bold green"))
    return printed([*lines, line(), result], view)


def as_json(trials: Sequence[PolicyTestRun]) -> str:
    """Write the tests as one JSON document."""
    passed, failed = counts(trials)
    tests = [
        {
            "path": trial.path,
            "policy": trial.policy,
            "checks": [
                {"name": check.name, "line": at, **_result(check)}
                for at, check in zip(trial.lines, trial.checks, strict=True)
            ],
        }
        for trial in trials
    ]
    document = {"passed": passed, "failed": failed, "tests": tests}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def counts(trials: Sequence[PolicyTestRun]) -> tuple[int, int]:
    """Return how many checks passed, and how many failed."""
    failed = sum(len(trial.failures) for trial in trials)
    return sum(len(trial.checks) for trial in trials) - failed, failed


def failure(check: Check, view: View) -> Iterator[Text]:
    """Print what is wrong, and the reason of every rule that covers the image."""
    yield from wrapped(check.complaint, view, lead="  ")
    if check.fate:
        yield from wrapped(f"it {verdict(check.fate, _by_name)}", view, lead="  ")
        yield from reasons(check.fate, view, _by_name)


def _by_name(version: Version) -> str:
    """Name a version as the test file does, because its digest may be invented."""
    return ", ".join(version.tags) or version.id


def _result(check: Check) -> dict[str, Any]:
    result: dict[str, Any] = {"ok": check.ok, "complaint": check.complaint}
    if check.fate is None:
        return result
    decisions = [reason for chain in check.fate.chains for reason in chain.decision.reasons]
    return result | {"goes": check.fate.is_deleted, "cause": check.fate.cause, "reasons": decisions}


def render_junit(trials: Sequence[PolicyTestRun], view: View) -> bytes:
    """Write the tests as XML: a suite for each file, a case for each check.

    Source: the JUnit schema of Jenkins' xUnit plugin.
    """
    root = Element("testsuites", _numbers(trials))
    for trial in trials:
        suite = SubElement(root, "testsuite", {"name": safe(trial.path), **_numbers([trial])})
        for at, check in zip(trial.lines, trial.checks, strict=True):
            place = {"file": safe(trial.path), "line": str(at)}
            names = {"classname": safe(trial.policy), "name": safe(check.name)}
            case = SubElement(suite, "testcase", names | place)
            if not check.ok:
                failed = SubElement(case, "failure", {"message": safe(check.complaint)})
                # Without colours: escape characters are not allowed in XML.
                failed.text = printed(failure(check, view), replace(view, colour=False))
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _numbers(trials: Sequence[PolicyTestRun]) -> dict[str, str]:
    passed, failed = counts(trials)
    # A test that cannot run stops the command, so the results have no errors and nothing skipped.
    return {"tests": str(passed + failed), "failures": str(failed), "errors": "0", "skipped": "0"}
