"""The project of the current folder: where its policies and its state are.

A settings file `reconciler.toml` names them once, for a laptop and for CI. It is part of a checkout
and may come from a pull request: it names places below its own folder, or stores that are reached
with the credentials of the environment, and it can name no limit, no token and no server.

Source: docs/adr/0027-settings-file.md.
"""

import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from reconciler.errors import SettingsError
from reconciler.model.base import safe

FILE = "reconciler.toml"
POLICIES = "policies"
STATE = ".reconciler"

MAX_BYTES = 64 * 1024
"""Largest settings file, in bytes."""

_MAX_PATHS = 100
_MAX_VALUE = 200
"""Longest value, and longest value quoted in an error, in characters."""

_SCHEMES = ("github", "s3", "gs", "az")
"""Addresses that a file may name. A database is sent a password, so no checkout may choose it."""

_PLACES = "github://OWNER/REPOSITORY/BRANCH, s3://, gs://, az://, or a folder below this file"


def _inner_path(text: str) -> str:
    """Accept a path below the folder of the file."""
    path = PurePosixPath(text)
    if not text or path.is_absolute() or ".." in path.parts or not text.isprintable():
        raise ValueError(f"{text!r} is not a path below the folder of this file")
    return text


def _place(text: str) -> str:
    """Accept where a state may be: below the folder of the file, or a store, without secrets."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return _inner_path(text)
    if scheme not in _SCHEMES:
        raise ValueError(
            f"a file may not name a {scheme}:// address; write {_PLACES}, or set RECONCILER_STATE"
        )
    # The folder of a branch is the only query that holds no key.
    query = rest.partition("?")[2]
    if "@" in rest or "#" in rest or (query and not (scheme, query[:5]) == ("github", "path=")):
        raise ValueError("the address must not have a user, a password or a query")
    return text


_Text = Annotated[str, Field(min_length=1, max_length=_MAX_VALUE, strict=True)]


class ProjectFile(BaseModel):
    """The keys of a settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    policies: Annotated[
        tuple[Annotated[_Text, AfterValidator(_inner_path)], ...],
        Field(min_length=1, max_length=_MAX_PATHS),
    ] = (POLICIES,)
    """Policy files and folders of them."""

    state: Annotated[_Text, AfterValidator(_place)] | None = None
    """Where the state is, as for `--state`."""


@dataclass(frozen=True, slots=True)
class Project:
    """A folder, and the policies and the state in it.

    Shape: `folder` is absolute; `start` is the folder that commands run in, at or below it.
    """

    folder: Path
    start: Path
    file: ProjectFile = field(default_factory=ProjectFile)

    @property
    def policies(self) -> Sequence[Path]:
        """The policy files and folders, as paths from `start`.

        Raises: SettingsError, when a symbolic link leads out of the folder.
        """
        paths = [self._from_start(path) for path in self.file.policies]
        for path in paths:
            if not self.contains(path):
                raise SettingsError(
                    f"{safe(path.as_posix())}: symbolic links lead out of"
                    f" {safe(self.folder.as_posix())}",
                    hint="Put the policy files themselves there.",
                )
        return paths

    @property
    def has_policies(self) -> bool:
        """Whether any of the policy files and folders exists."""
        return any((self.folder / path).exists() for path in self.file.policies)

    @property
    def state(self) -> str:
        """The address of the state, or its path from `start`."""
        place = self.file.state
        if place is None:
            # A state that an earlier run made here has the journal: it is not left behind.
            here = (self.start / STATE).exists()
            return STATE if here else str(self._from_start(STATE))
        return place if "://" in place else str(self._from_start(place))

    def contains(self, path: Path) -> bool:
        """Whether a path from `start` is in the folder, as written and with links followed."""
        lexical = Path(os.path.normpath(self.start / path))
        folder = self.folder.resolve()
        return lexical.is_relative_to(self.folder) and lexical.resolve().is_relative_to(folder)

    def _from_start(self, inner: str) -> Path:
        return Path(os.path.relpath(self.folder / inner, self.start))


def find_project(start: Path) -> Project:
    """Find the nearest folder with a settings file, else with `policies/`, at or above `start`.

    In a clone the search ends at its top, elsewhere at `start`: a file further up may be somebody
    else's. Without either, the project is `start` itself.

    Raises: SettingsError, with the line of each problem of the settings file.
    """
    folders = _within_clone(start)
    for folder in folders:
        path = folder / FILE
        if path.exists() or path.is_symlink():
            return Project(folder, start, _read(path, os.path.relpath(path, start)))
    nearest = (folder for folder in folders if (folder / POLICIES).is_dir())
    return Project(next(nearest, start), start)


def _within_clone(start: Path) -> Sequence[Path]:
    """Return a folder and those above it up to the top of its clone; alone outside of a clone."""
    folders = [start, *start.parents]
    tops = (place for place, folder in enumerate(folders) if (folder / ".git").exists())
    return folders[: next(tops, 0) + 1]


def _read(path: Path, name: str) -> ProjectFile:
    name = safe(name)
    # A link in a checkout could name any file of this machine, which an error could then quote.
    if path.is_symlink() or not path.is_file():
        raise SettingsError(f"{name}: this is not a regular file", hint="Replace it by a file.")
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: this cannot be read: {error}") from error
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{name}: the file is larger than {MAX_BYTES} bytes")
    try:
        return ProjectFile.model_validate(tomllib.loads(text))
    # Deeply nested brackets exhaust the parser.
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"{name}: {safe(str(error))}", hint=_EXAMPLE) from error
    except ValidationError as error:
        problems = error.errors(include_url=False)
        lines = [f"{name}:{_line(text, problem)}: {_explain(problem)}" for problem in problems]
        raise SettingsError("\n".join(lines), hint=_EXAMPLE) from None


_EXAMPLE = 'Such a file reads: policies = ["policies"] and state = ".reconciler", on two lines.'


def _line(text: str, problem: ErrorDetails) -> int:
    """Return the line of the key that a problem is about; the parser does not report it."""
    key = re.escape(str(problem["loc"][0]))
    pattern = re.compile(rf"\s*(?:\[\s*)?[\"']?{key}[\"']?\s*[=.\]]")
    lines = enumerate(text.splitlines(), start=1)
    return next((number for number, line in lines if pattern.match(line)), 1)


def _explain(problem: ErrorDetails) -> str:
    key = safe(str(problem["loc"][0]))[:_MAX_VALUE]
    if problem["type"] == "extra_forbidden":
        known = list(ProjectFile.model_fields)
        nearest = get_close_matches(key, known, 1)
        cure = f"did you mean {nearest[0]!r}?" if nearest else f"the keys are {', '.join(known)}"
        return f"{key!r} is not a key of this file; {cure}"
    if problem["type"] == "tuple_type":
        return f'{key}: write a list, as in {key} = ["{POLICIES}"]'
    return f"{key}: {safe(problem['msg'].removeprefix('Value error, '))}"
