"""A change takes little memory in a file that is written and read: counted at 5,000 changes."""

from functools import partial
from pathlib import Path

from reconciler.commands._console import load_plan, save
from tests.bench.bench_plan_file import BYTES_A_CHANGE, allocated, large_plan

SIZE = 5_000


def test_a_plan_is_written_and_read_within_1_kib_a_change(tmp_path: Path) -> None:
    plan, path = large_plan(SIZE), tmp_path / "plan.json"

    written = allocated(lambda: save(path, plan.chunks()))
    read = allocated(partial(load_plan, path))

    # Written in parts, so that what it takes does not depend on how many changes there are.
    assert written < 1_000_000
    assert read < BYTES_A_CHANGE * SIZE
    assert load_plan(path).digest == plan.digest
