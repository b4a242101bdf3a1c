"""The measurement of deciding works, at a size that takes no time."""

import pytest
from typer.testing import CliRunner

from tests.bench.bench_decide import deciding, main, planning


def test_a_thousand_versions_are_decided_and_planned_at_once() -> None:
    decided = deciding(1_000)

    assert (decided.versions, decided.images, decided.doomed) == (1002, 191, 743)
    assert decided.seconds < 1
    assert planning(1_000) < 2
