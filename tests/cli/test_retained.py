"""What the registry refused is left alone, and tried again when that is asked for."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli_harness import PACKAGE, CliHarness, served_package

POPULAR = 6000


@pytest.fixture
def refused(tmp_path: Path) -> Iterator[CliHarness]:
    """Serve a package of which an image was downloaded too often, and apply its policy."""
    with served_package(tmp_path) as web:
        package = web.sandbox.package(PACKAGE)
        package.visibility = "public"
        package.tags["pr-8"].downloads = POPULAR
        assert web.reconciler("apply", "--yes").last_line.startswith("Apply: 6 deleted")
        web.sandbox.forget_requests()
        yield web


def test_a_later_plan_shows_it_as_retained_and_apply_sends_nothing(refused: CliHarness) -> None:
    planned = refused.reconciler("plan", "--format", "json")
    applied = refused.reconciler("apply", "--yes")

    (part,) = json.loads(planned.stdout)["repositories"]
    assert [kept["tags"] for kept in part["retained"]] == [["pr-8"]]
    assert part["changes"] == []
    assert (applied.code, refused.calls("DELETE")) == (0, 0)


def test_it_is_tried_again_once_the_package_is_private(refused: CliHarness) -> None:
    refused.sandbox.package(PACKAGE).visibility = "private"

    applied = refused.reconciler("apply", "--yes")

    assert applied.code == 0
    assert applied.last_line.startswith("Apply: 1 deleted")
    assert set(refused.tags) == {"latest"}


def test_a_saved_plan_tries_it_again_when_plan_and_apply_are_asked_to(refused: CliHarness) -> None:
    refused.sandbox.package(PACKAGE).tags["pr-8"].downloads = 0
    refused.reconciler("plan", "--retry-retained", "--out", "plan.json")

    without = refused.reconciler("apply", "plan.json", "--yes")
    sent = refused.calls("DELETE")
    asked = refused.reconciler("apply", "plan.json", "--yes", "--retry-retained")

    assert without.last_line.startswith("Apply: 0 deleted, 0 already absent, 1 skipped")
    assert sent == 0
    assert asked.last_line.startswith("Apply: 1 deleted")


def test_what_is_refused_again_is_left_alone_again(refused: CliHarness) -> None:
    again = refused.reconciler("apply", "--yes", "--retry-retained")
    sent = refused.calls("DELETE")
    after = refused.reconciler("apply", "--yes")

    assert again.last_line.startswith("Apply: 0 deleted, 0 already absent, 0 skipped, 1 retained")
    assert (again.code, after.code) == (0, 0)
    assert refused.calls("DELETE") == sent == 1
