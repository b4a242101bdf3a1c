"""Tests of policies that were run, as JUnit XML: what CI systems show as test results."""

from collections.abc import Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reconciler.core.trial import Check, Trial
from reconciler.formats.paper import printed
from reconciler.formats.trials import counts, failure
from reconciler.formats.view import View
from reconciler.model.display import safe


def render(trials: Sequence[Trial], view: View) -> bytes:
    """Write the tests as XML: a suite for each file, a case for each check.

    Source: the JUnit schema of Jenkins' xUnit plugin.
    """
    root = Element("testsuites", _numbers(trials))
    for trial in trials:
        suite = SubElement(root, "testsuite", {"name": safe(trial.path), **_numbers([trial])})
        for at, check in zip(trial.lines, trial.checks, strict=True):
            place = {"file": safe(trial.path), "line": str(at)}
            names = {"classname": safe(trial.policy), "name": safe(check.name)}
            _add_failure(check, SubElement(suite, "testcase", names | place), view)
    indent(root)
    content: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return content + b"\n"


def _numbers(trials: Sequence[Trial]) -> dict[str, str]:
    passed, failed = counts(trials)
    return {"tests": str(passed + failed), "failures": str(failed), "errors": "0", "skipped": "0"}


def _add_failure(check: Check, case: Element, view: View) -> None:
    """Add to a case what is wrong with it, if anything is."""
    if not check.ok:
        failed = SubElement(case, "failure", {"message": safe(check.complaint)})
        failed.text = printed(failure(check, view), replace(view, colour=False))
