"""A pattern whose repositories could not be listed is told wherever a plan is shown."""

from collections.abc import Callable

import pytest

from reconciler.errors import ExitCode
from reconciler.formats import html_plan as html
from reconciler.formats import plan_markdown, plan_text
from reconciler.formats.view import View
from reconciler.model.plan import DeletionPlan, Unlisted
from tests.support.plans import NOW, image, part, plan

VIEW = View(now=NOW)
MISSED = plan(
    part([image("sha-1")]),
    unlisted=(
        Unlisted(
            pattern="ghcr.io/acme/*",
            policy="rest",
            error="GitHub refuses to list <b>packages</b>",
            hint="Name them.",
            failure=ExitCode.ACCESS,
        ),
    ),
)


@pytest.mark.parametrize("render", [plan_text.render, plan_markdown.render, html.render])
def test_it_is_named_with_its_reason_and_with_what_to_do(
    render: Callable[[DeletionPlan, View], str],
) -> None:
    shown = " ".join(render(MISSED, VIEW).split())

    assert "ghcr.io/acme/*" in shown
    assert "could not be listed" in shown
    assert "GitHub refuses to list" in shown
    assert "Name them." in shown
    assert "This plan cannot be applied: 1 repository incomplete." in shown


def test_what_a_server_says_brings_no_markup() -> None:
    assert "`GitHub refuses to list <b>packages</b>`" in plan_markdown.render(MISSED, VIEW)
    assert "<b>packages" not in html.render(MISSED, VIEW)


def test_the_counts_and_the_exit_code_speak_of_it() -> None:
    assert plan_text.render(MISSED, VIEW).endswith("1 incomplete.\n")
    assert MISSED.outcome is ExitCode.ACCESS
