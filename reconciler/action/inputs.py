"""The inputs of action.yml, read from environment variables.

Inputs are never inserted into a script, so that no input can become a command.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import typer
from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reconciler.commands._options import duration
from reconciler.errors import SettingsError

Command = Literal["plan", "apply", "check", "diagnose", "comment", "validate"]

_PREFIX = "INPUT_"
_MAX_VALUE = 80
"""Longest value quoted in an error, in characters."""

_CURES = {
    "command": "write plan, apply, check, diagnose, comment or validate",
    "comment": "write true or false",
    "fail-on-changes": "write true or false",
    "time-budget": "write a duration such as 50m",
}


def _lines(value: Any) -> Any:
    """Split a text with one entry on each line."""
    if not isinstance(value, str):
        return value
    return [line.strip() for line in value.splitlines() if line.strip()]


def _duration(value: Any) -> Any:
    """Read a duration as the command line does."""
    try:
        return duration(value, "time-budget") if isinstance(value, str) else value
    except typer.BadParameter as error:
        raise ValueError(error.message) from error


class Inputs(BaseSettings):
    """The inputs of one step. Build it with `Inputs.load`."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX,
        # action.yml sets the variable of an input that is not given to an empty text.
        env_ignore_empty=True,
        frozen=True,
        hide_input_in_errors=True,
    )

    command: Command = "plan"
    paths: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_lines)] = ("policies",)
    """Policy files and folders; repositories for `diagnose`."""

    comment: bool = False
    plan: Path | None = None
    """Where `plan` saves the plan, or the saved plan that `apply` and `comment` take."""

    expect_digest: str = ""
    fail_on_changes: bool = False
    time_budget: Annotated[timedelta | None, BeforeValidator(_duration)] = Field(None)

    @classmethod
    def load(cls) -> Self:
        """Read the inputs.

        Raises: SettingsError, naming each input that cannot be used, and what to write.
        """
        try:
            inputs = cls()
        except ValidationError as error:
            # Report all problems at once, so that one edit of the workflow corrects them.
            problems = error.errors(include_url=False)
            raise SettingsError("; ".join(map(_explain, problems))) from None
        # An input without effect is refused: an ignored limit is worse than none.
        if inputs.expect_digest and not (inputs.command == "apply" and inputs.plan):
            raise SettingsError(
                "input expect-digest has no effect here",
                hint="Use it with `command: apply` and `plan`, the saved plan.",
            )
        if inputs.fail_on_changes and inputs.command != "plan":
            raise SettingsError(
                f"input fail-on-changes has no effect with {inputs.command}",
                hint="Use it with `command: plan`.",
            )
        if inputs.command == "comment" and not inputs.plan:
            raise SettingsError(
                "input plan is missing",
                hint="Name the file with the saved plan to show in the comment.",
            )
        return inputs

    @property
    def files(self) -> list[Path]:
        """The policy files and folders."""
        return [Path(path) for path in self.paths]


def _explain(problem: ErrorDetails) -> str:
    """Name the input that is invalid, and what to write instead."""
    name = str(problem["loc"][0]).lower().removeprefix(_PREFIX.lower()).replace("_", "-")
    given = str(problem["input"])[:_MAX_VALUE]
    return f"input {name} is {given!r}: {_CURES.get(name, problem['msg'])}"
