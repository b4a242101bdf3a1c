"""requirements.lock holds what pyproject.toml asks for, and nothing about where it came from."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

_ROOT = Path(__file__).parents[2]
_LOCK = (_ROOT / "requirements.lock").read_text()
_PIN = re.compile(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", re.MULTILINE)


def test_every_requirement_is_pinned_to_a_version_it_allows() -> None:
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    required = [Requirement(text) for group in (project["dependencies"], *extras) for text in group]

    pinned = {canonicalize_name(name): version for name, version in _PIN.findall(_LOCK)}

    assert [str(requirement) for requirement in required if not _met(requirement, pinned)] == []


def test_the_lock_names_no_address() -> None:
    assert "://" not in _LOCK


def _met(requirement: Requirement, pinned: dict[NormalizedName, str]) -> bool:
    version = pinned.get(canonicalize_name(requirement.name))
    return version is not None and version in requirement.specifier
