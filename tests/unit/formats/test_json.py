"""The JSON format is the plan file."""

from reconciler.formats.catalogue import FORMATS
from reconciler.formats.view import View
from reconciler.model.plan import read_plan
from tests.support.plans import NOW, lifelike


def test_what_is_printed_can_be_saved_and_applied() -> None:
    plan = lifelike()

    printed = FORMATS["json"](plan, View(now=NOW))

    assert printed.encode() == plan.to_bytes()
    assert read_plan(printed.encode()) == plan


def test_these_formats_can_be_asked_for() -> None:
    assert list(FORMATS) == ["text", "json", "markdown", "html"]
