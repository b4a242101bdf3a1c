"""The expressions of workflows, as GitHub's documentation evaluates them."""

from typing import Any

import pytest

from tests.support.workflows.expressions import ExpressionError, Expressions, Functions

NAMES = {
    "github": {"event_name": "Push", "event": {"number": 7}},
    "inputs": {"state": "", "fail-on-changes": "true"},
    "env": {"RECONCILER_STATE": "there"},
}
FUNCTIONS: Functions = {
    "always": lambda: True,
    "startsWith": lambda text, start: text.startswith(start),
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("github.event_name == 'push'", True),
        ("github.event_name != 'push' || github.event.number == 7", True),
        ("inputs.state || env.RECONCILER_STATE", "there"),
        ("'a' && '' || 'c'", "c"),
        ("!inputs.state && inputs.fail-on-changes", "true"),
        ("(true || false) && false", False),
        ("true || false && false", True),
        ("github.event.pull_request.number", None),
        ("inputs.unknown == ''", True),
        ("startsWith('refs/heads/main', 'refs/heads/')", True),
        ("'it''s'", "it's"),
    ],
)
def test_an_expression_has_the_value_that_github_gives_it(expression: str, value: Any) -> None:
    assert Expressions(NAMES, FUNCTIONS).value(expression) == value


def test_expressions_in_texts_are_filled_in() -> None:
    filled = Expressions(NAMES, FUNCTIONS).text("n=${{ github.event.number }} ${{ env.NONE }}!")

    assert filled == "n=7 !"


@pytest.mark.parametrize("expression", ["secret.x", "github.a ~ 'b'", "hashFiles('x')", "1 2"])
def test_what_the_runner_does_not_know_is_an_error_and_never_a_guess(expression: str) -> None:
    with pytest.raises(ExpressionError):
        Expressions(NAMES, FUNCTIONS).value(expression)
