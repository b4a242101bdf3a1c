"""The identity of a run."""

import getpass
import os

import pytest

from reconciler.engine.run import holder
from tests.support.time import NOON


@pytest.mark.parametrize("error", [KeyError("uid not found"), OSError("No username set")])
def test_a_user_without_a_name_is_recorded_by_number(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def nobody() -> str:
        raise error

    monkeypatch.setattr(getpass, "getuser", nobody)

    assert holder(NOON).who == f"uid-{os.getuid()}"
