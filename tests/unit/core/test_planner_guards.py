"""Guards stop a plan that would delete too much, and print the exact way past them."""

from collections.abc import Mapping

import pytest

from reconciler.core.planner import ImageCounts, RaisedLimits, check_guards
from reconciler.model.plan import Guard
from reconciler.model.policy import Guards
from tests.support.inventories import WEB

DEFAULTS = Guards()


def guard(
    name: str,
    *,
    images: int,
    deleted: int,
    limits: Mapping[str, object] | None = None,
    allowed: RaisedLimits | None = None,
) -> Guard:
    guards = Guards.model_validate(limits or {})
    toll = ImageCounts(images, deleted, images - deleted)
    found = check_guards(guards, WEB, toll, allowed or {})
    return next(one for one in found if one.name == name)


@pytest.mark.parametrize(
    ("name", "limits", "images", "deleted"),
    [
        ("max_delete", {"max_delete": 200}, 1000, 200),
        ("max_delete", {"max_delete": 0}, 1000, 0),
        ("max_delete_percent", {"max_delete_percent": 30}, 10, 3),
        ("max_delete_percent", {"max_delete_percent": 29}, 100, 29),
        ("max_delete_percent", {"max_delete_percent": 100}, 7, 7),
        ("never_empty", {"never_empty": True}, 2, 1),
        ("never_empty", {"never_empty": False}, 2, 2),
    ],
)
def test_a_limit_met_exactly_is_allowed(
    name: str, limits: dict[str, object], images: int, deleted: int
) -> None:
    found = guard(name, images=images, deleted=deleted, limits=limits)

    assert (found.ok, found.override) == (True, "")


@pytest.mark.parametrize(
    ("name", "limits", "images", "deleted", "actual", "override"),
    [
        ("max_delete", {"max_delete": 200}, 1000, 201, 201.0, "max_delete:ghcr.io/acme/web=201"),
        (
            "max_delete_percent",
            {"max_delete_percent": 30},
            100_000,
            30_001,
            30.1,
            "max_delete_percent:ghcr.io/acme/web=31",
        ),
        (
            "max_delete_percent",
            {"max_delete_percent": 30},
            3,
            1,
            33.4,
            "max_delete_percent:ghcr.io/acme/web=34",
        ),
        ("never_empty", {"never_empty": True}, 2, 2, 0.0, "never_empty:ghcr.io/acme/web=0"),
    ],
)
def test_a_limit_passed_stops_and_prints_its_override(
    name: str,
    limits: dict[str, object],
    images: int,
    deleted: int,
    actual: float,
    override: str,
) -> None:
    found = guard(name, images=images, deleted=deleted, limits=limits)

    assert (found.ok, found.actual) == (False, actual)
    assert found.override == f"--allow {override}"


@pytest.mark.parametrize(
    ("name", "images", "deleted", "limit"),
    [
        ("max_delete", 1000, 201, 201),
        ("max_delete_percent", 3, 1, 34),
        ("never_empty", 2, 2, 0),
    ],
)
def test_the_printed_override_lets_the_same_plan_pass(
    name: str, images: int, deleted: int, limit: int
) -> None:
    found = guard(name, images=images, deleted=deleted, allowed={(name, WEB): limit})

    assert (found.ok, found.limit) == (True, limit)


def test_the_defaults_are_those_of_the_language() -> None:
    assert (DEFAULTS.min_age, DEFAULTS.max_delete) == ("24h", 200)
    assert (DEFAULTS.max_delete_percent, DEFAULTS.never_empty) == (30, True)


def test_an_empty_repository_has_nothing_to_guard() -> None:
    assert check_guards(DEFAULTS, WEB, ImageCounts(0, 0, 0), {}) == ()
