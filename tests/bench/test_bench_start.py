"""The bench of start-up: that every command it measures runs."""

from tests.bench.bench_start import bars, measure


def test_every_command_is_measured() -> None:
    rows = list(measure(1))

    assert [case.name for case, _ in rows][:3] == ["--version", "--help", "plan --help"]
    assert all(took > 0 for _, took in rows)
    assert len(list(bars(rows))) == len(rows)
