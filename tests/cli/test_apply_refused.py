"""An option of `apply` that would be of no effect is refused before anything is read."""

import pytest

from reconciler.__main__ import run
from reconciler.errors import ExitCode


def test_a_digest_cannot_be_expected_of_a_plan_that_was_not_saved(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["apply", "--expect-digest", "sha256:" + "0" * 64, "--yes"])

    told = capsys.readouterr()
    assert code == ExitCode.USAGE
    assert told.out == ""
    assert "--expect-digest cannot be checked without a saved plan" in told.err
