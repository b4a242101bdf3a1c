"""Evaluate expressions like `${{ env.IMAGE }}` and split scripts into commands; run nothing."""

import re
import shlex
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from itertools import dropwhile, pairwise

from reconciler.model.base import canonical_host
from reconciler.model.names import Repository
from reconciler.workflows.workflow import Step

EXPRESSION = re.compile(r"\$\{\{((?:(?!\$\{\{).){0,500}?)\}\}", re.DOTALL)
"""One expression; a longer one is taken for plain text. No place of a text is looked at twice."""

_MARK = "\N{OBJECT REPLACEMENT CHARACTER}"
_VARIABLE = re.compile(r"\$(?:\{(\w{1,100})\}|(\w{1,100}))")
_RUN_SPECIFIC = re.compile(
    r"github\.(?:sha|run_id|run_number|event\.head_commit)|github\.event\.pull_request\.head\.sha"
)
_RUN_VARIABLE = re.compile(r"\$\{?GITHUB_(?:SHA|RUN_ID|RUN_NUMBER)\b")
_OUTPUT = re.compile(r"steps\.([\w-]{1,100})\.outputs\.\w{1,100}")
_ROUNDS = 5
"""How often a variable may stand for another one."""

LONGEST = 64 * 1024
"""Longest text that is looked at, in characters; what goes beyond is cut."""

_LONGEST_NAME = 1_000
"""Longest image name that is held against a repository, in characters."""

MAX_COMMANDS = 500
"""Most commands that are looked at in one script."""

MAX_LINE = 8_000
"""Longest command looked at, in characters."""

_ENDS = frozenset({"&&", "||", ";", "|", "&"})
_BEFORE = frozenset({"sudo", "time", "exec", "if", "then", "else", "do", "!"})
_ASSIGNMENT = re.compile(r"\w{1,100}=")

Command = Sequence[str]
"""A program and its arguments, quotes taken away, expressions left as they stand."""


def expanded(text: str, step: Step) -> str:
    """Put in the environment that the file gives; what GitHub alone knows stays as it is."""

    def known(expression: re.Match[str]) -> str:
        kind, _, name = expression[1].strip().partition(".")
        return step.environment.get(name, expression[0]) if kind == "env" else expression[0]

    for _ in range(_ROUNDS):
        text = EXPRESSION.sub(known, text)[:LONGEST]
    return text


def shell_expanded(text: str, step: Step) -> str:
    """Put in what a script reads from its environment, too."""

    def known(variable: re.Match[str]) -> str:
        return step.environment.get(variable[1] or variable[2], variable[0])

    return expanded(_VARIABLE.sub(known, expanded(text, step))[:LONGEST], step)


def masked(text: str) -> tuple[str, Iterator[str]]:
    """Put a mark in the place of each expression, so that nothing in one parts the text.

    Shape: the second part has the expressions, in their order, for `restored`.
    """
    return EXPRESSION.sub(_MARK, text), (found[0] for found in EXPRESSION.finditer(text))


def restored(text: str, expressions: Iterator[str]) -> str:
    """Put the next expressions in the place of the marks of a text."""
    return re.sub(_MARK, lambda _: next(expressions, ""), text)


def is_run_specific(text: str) -> bool:
    """Whether a text differs from one run, or one commit, to the next."""
    found = EXPRESSION.findall(text)
    return any(map(_RUN_SPECIFIC.search, found)) or bool(_RUN_VARIABLE.search(text))


def is_known(text: str) -> bool:
    """Whether a text holds nothing that only GitHub or a shell can fill in."""
    return "$" not in text


def step_of(text: str) -> str:
    """Return the id of the step whose output a text is, empty where it is anything else."""
    expression = EXPRESSION.fullmatch(text.strip())
    found = _OUTPUT.fullmatch(expression[1].strip()) if expression else None
    return found[1] if found else ""


def _canonical(name: str) -> str:
    """Spell the host of an image name as repositories do; one that is not known stays."""
    host, slash, path = name.partition("/")
    with suppress(ValueError):
        return f"{canonical_host(host)}{slash}{path}"
    return name


def may_name(text: str, repository: Repository) -> bool:
    """Whether an image name can mean a repository; what is unknown can be anything."""
    spelled = _VARIABLE.sub("*", EXPRESSION.sub("*", text.lower()))
    host, slash, path = spelled[:_LONGEST_NAME].rpartition("/")
    name = _canonical(f"{host}{slash}{path.partition('@')[0].partition(':')[0]}")
    pattern = re.sub(r"\*+", "*", name.replace("[", "[[]").replace("?", "[?]"))
    return fnmatchcase(repository, pattern)


def commands(script: str) -> Iterator[Command]:
    """Yield the commands of a script; a line that no shell would read is passed over."""
    lines = script.replace("\\\r\n", " ").replace("\\\n", " ").splitlines()
    found = 0
    for line in lines:
        for command in _of(line[:MAX_LINE]):
            found += 1
            if found > MAX_COMMANDS:
                return
            yield command


def _of(line: str) -> Iterator[Command]:
    """Part one line into commands. Expressions may hold quotes, so a mark stands for each."""
    text, expressions = masked(line)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|")
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return
    command: list[str] = []
    for word in words:
        if word in _ENDS:
            yield command
            command = []
        else:
            command.append(restored(word, expressions))
    yield command


def options(command: Command, *names: str) -> list[str]:
    """Return every value that an option has in a command: `--name value` and `--name=value`."""
    joined = (word.partition("=") for word in command if "=" in word)
    apart = pairwise(command)
    return [
        *(value for name, _, value in joined if name in names),
        *(value for name, value in apart if name in names),
    ]


def switched_on(command: Command, name: str) -> bool:
    """Whether a switch is given and not set to false."""
    return name in command or f"{name}=true" in command


def begins(command: Command, *words: str) -> bool:
    """Whether a command is this program with these words, run as such or through another one."""
    rest = list(dropwhile(lambda word: word in _BEFORE or _ASSIGNMENT.match(word), command))
    return tuple(rest[: len(words)]) == words
