"""A command line beside a real registry."""

from pathlib import Path

import pytest

from tests.support.cli import CommandLine


@pytest.fixture
def reconciler(tmp_path: Path) -> CommandLine:
    """Give a folder for policies and state, and the command line to run in it."""
    folder = tmp_path / "work"
    folder.mkdir()
    return CommandLine(folder, {})
