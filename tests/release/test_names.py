"""No hint and no page makes anybody install a package of a name that is not ours."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from reconciler.state.opening import BACKENDS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OURS = "registry-reconciler"
EXTRAS = {
    name: [Requirement(text) for text in PROJECT["optional-dependencies"][name]]
    for name in ("stores", "postgresql")
}
LIBRARIES = {wanted.name for extra in EXTRAS.values() for wanted in extra}
ALLOWED = {OURS, *LIBRARIES, "uv", "pip"}
"""What may be installed by name: ourselves, what an extra of ours brings, and the installers."""

KINDS = {".md", ".py", ".yml", ".yaml", ".j2", ".toml", ".sh", ".html", ".txt", ""}
SKIPPED = {"tests", "stubs", "cassettes", "build", "dist"}
INSTALLERS = re.compile(
    r"\b(?P<installer>pip3? install|pip3? download|pipx install|pipx run|pipx inject|uvx|"
    r"uv tool install|uv tool run|uv pip install|uv add|uv run --with)\b(?P<rest>[^\n|`&;]*)"
)
WITH_VALUE = {
    *("-r", "-c", "-p", "--requirement", "--constraint", "--python", "--target", "--prefix"),
    *("--only-binary", "--no-binary"),
}
NAMES_A_PACKAGE = {"--from", "--spec", "--with"}
RUNS_A_COMMAND = {"uvx", "uv tool run", "pipx run"}


def texts() -> Iterator[tuple[str, str]]:
    """Yield the texts of this repository that people read or run, with their names."""
    for path in sorted(ROOT.rglob("*")):
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") and part not in {".ci", ".github"} for part in parts)
        if path.is_file() and path.suffix in KINDS and not hidden and parts[0] not in SKIPPED:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def packages(line: str) -> Iterator[str]:
    """Yield the names of packages that the commands in a text take from an index."""
    for command in INSTALLERS.finditer(line.replace("\\\n", " ")):
        yield from _packages(command["installer"], command["rest"])


def _packages(installer: str, rest: str) -> Iterator[str]:
    try:
        given = shlex.split(rest, comments=True)
    except ValueError:  # a sentence with an apostrophe; the names before it count
        given = [part.strip("\"'") for part in rest.split("'", maxsplit=1)[0].split()]
    given.reverse()
    spec = False
    while given:
        argument = given.pop()
        option, _, value = argument.partition("=")
        if option in NAMES_A_PACKAGE:
            spec = True
            yield from _name(value or (given.pop() if given else ""))
        elif argument in WITH_VALUE and given:
            given.pop()
        elif not argument.startswith("-"):
            if installer in RUNS_A_COMMAND:
                # What follows a `--from` is the command, and all further words are its own.
                yield from () if spec else _name(argument)
                return
            yield from _name(argument)


def _name(text: str) -> Iterator[str]:
    """Yield the name that an argument asks an index for, none for paths, addresses, variables."""
    if re.match(r"[./$<{*…]|git\+|https?:|file:|.*\.whl$", text) or not text:
        return
    # What follows the name may be filled in by a program: `name=={version}`.
    named = re.match(r"[\w.-]+", text)
    yield named[0] if named else text


def test_what_code_and_pages_install_by_name_is_ours_or_a_library_of_ours() -> None:
    named = {
        (path, name) for path, text in texts() for name in packages(text) if name not in ALLOWED
    }

    assert named == set()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("pip install 'reconciler[stores]'", ["reconciler"]),
        ("python -m pip install -U -r requirements.lock reconciler==1", ["reconciler"]),
        ("pip install -q --require-hashes -r requirements.lock", []),
        ("pip install -q . && reconciler demo", []),
        ("uvx reconciler diagnose ghcr.io/acme/web", ["reconciler"]),
        ("uvx --from registry-reconciler reconciler diagnose ghcr.io/acme/web", [OURS]),
        ("uvx --from git+https://github.com/acme/x reconciler demo", []),
        ("pipx run --spec=other reconciler demo", ["other"]),
        ("pipx install registry-reconciler[stores]", [OURS]),
        ("uv tool install \\\n  other", ["other"]),
        ("sh 'pip install \"other[x]\"'", ["other"]),
    ],
)
def test_names_are_recognized(text: str, names: list[str]) -> None:
    assert list(packages(text)) == names


def test_the_distribution_has_a_name_of_its_own_and_the_command_keeps_its_name() -> None:
    assert PROJECT["name"] == OURS
    assert set(PROJECT["scripts"]) == {"reconciler"}


def test_a_hint_installs_what_an_extra_of_the_same_library_would() -> None:
    hinted = {backend.needs for backend in BACKENDS.values() if backend.needs}

    assert hinted == {str(wanted) for extra in EXTRAS.values() for wanted in extra}
