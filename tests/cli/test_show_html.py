"""`show --format html`: a saved plan as a page on stdout, and nothing else."""

from pathlib import Path

from reconciler.commands._console import load_plan
from tests.support.cli_harness import LAST, served_package


def test_a_saved_plan_is_shown_as_a_page_without_contacting_anything(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        drawn = web.reconciler("plan", "--out", "plan.json", "--format", "html")
        before = len(web.sandbox.requests)
        shown = web.reconciler("show", "plan.json", "--format", "html")
        asked = len(web.sandbox.requests) - before

    assert (shown.code, shown.stderr, asked) == (0, "", 0)
    assert shown.stdout.startswith("<!DOCTYPE html>\n")
    assert shown.stdout.rstrip().endswith("</html>")
    assert load_plan(tmp_path / "plan.json").digest in shown.stdout
    assert "Applying sends about" in drawn.stdout


def test_what_an_undo_would_restore_is_a_page_too(tmp_path: Path) -> None:
    with served_package(tmp_path) as web:
        web.reconciler("apply", "--yes")
        page = web.reconciler(*LAST[:2], "--out", "undo.json", "--format", "html")

    assert (page.code, page.stderr) == (0, "")
    assert "<h1>Restore plan</h1>" in page.stdout
