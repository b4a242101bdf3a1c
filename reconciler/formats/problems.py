"""Problems of policy files as text, JSON, or annotations of a GitHub workflow."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from reconciler.model.base import inert
from reconciler.model.language import Problem


def as_text(problems: Sequence[Problem]) -> str:
    """Write one line for each problem, as compilers do."""
    return "".join(f"{problem}\n" for problem in problems)


def as_json(problems: Sequence[Problem]) -> str:
    """Write the problems as one JSON document."""
    document = {"problems": [asdict(problem) for problem in problems]}
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def as_github(
    problems: Sequence[Problem], *, level: Literal["error", "warning", "notice"] = "error"
) -> str:
    """Write workflow commands, with which GitHub annotates the line of each problem.

    Source: GitHub Docs, "Workflow commands for GitHub Actions".
    """
    commands = []
    for problem in problems:
        properties = {"file": problem.path, "title": problem.where}
        # A problem of the whole file has no line; GitHub then shows it at the file's first line.
        if problem.line:
            properties |= {"line": str(problem.line), "col": str(problem.column)}
        # Within a property a colon or a comma would end the value; in a message they may stay.
        options = ",".join(
            f"{name}={_escaped(text).replace(':', '%3A').replace(',', '%2C')}"
            for name, text in properties.items()
            if text
        )
        commands.append(f"::{level} {options}::{_escaped(problem.message)}\n")
    return "".join(commands)


def _escaped(text: str) -> str:
    """Escape characters that would end a command or start another one."""
    # The percent sign first: the other replacements add some, which must not be escaped again.
    return inert(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
