"""What expressions like `${{ env.IMAGE }}` can stand for, as far as the file itself tells."""

import re
from fnmatch import fnmatchcase

from reconciler.model.names import Repository
from reconciler.workflows.workflow import Step

_EXPRESSION = re.compile(r"\$\{\{\s*(.{0,500}?)\s*\}\}", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w{1,100})\}|(\w{1,100}))")
_OF_ONE_RUN = re.compile(
    r"github\.(?:sha|run_id|run_number|event\.head_commit)|github\.event\.pull_request\.head\.sha"
)
_OUTPUT = re.compile(r"\$\{\{\s*steps\.([\w-]{1,100})\.outputs\.(\w{1,100})\s*\}\}")
_ROUNDS = 5
"""How often a variable may stand for another one."""

_LONGEST = 64 * 1024
"""Longest text after the environment was put in, in characters."""


def expanded(text: str, step: Step) -> str:
    """Put in the environment that the file gives; what GitHub alone knows stays as it is."""

    def known(expression: re.Match[str]) -> str:
        kind, _, name = expression[1].partition(".")
        return step.environment.get(name, expression[0]) if kind == "env" else expression[0]

    for _ in range(_ROUNDS):
        text = _EXPRESSION.sub(known, text)[:_LONGEST]
    return text


def shell_expanded(text: str, step: Step) -> str:
    """Put in what a script reads from its environment, too."""

    def known(variable: re.Match[str]) -> str:
        return step.environment.get(variable[1] or variable[2], variable[0])

    return expanded(_VARIABLE.sub(known, expanded(text, step))[:_LONGEST], step)


def is_of_one_run(text: str) -> bool:
    """Whether a text differs from one run, or one commit, to the next."""
    return any(_OF_ONE_RUN.search(found) for found in _EXPRESSION.findall(text)) or bool(
        re.search(r"\$\{?GITHUB_(?:SHA|RUN_ID|RUN_NUMBER)\b", text)
    )


def is_known(text: str) -> bool:
    """Whether a text holds nothing that only GitHub or a shell can fill in."""
    return "$" not in text


def output_of(text: str) -> tuple[str, str] | None:
    """Return the step and the output that a text takes whole, None where it is anything else."""
    found = _OUTPUT.fullmatch(text.strip())
    return (found[1], found[2]) if found else None


def may_name(text: str, repository: Repository) -> bool:
    """Whether an image name can mean a repository; what is unknown can be anything."""
    pattern = re.sub(r"\*+", "*", _VARIABLE.sub("*", _EXPRESSION.sub("*", text.lower())))
    host, slash, path = pattern.rpartition("/")
    named = f"{host}{slash}{path.partition('@')[0].partition(':')[0]}"
    return fnmatchcase(repository, named.replace("[", "[[]").replace("?", "[?]"))
