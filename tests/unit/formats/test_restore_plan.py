"""A restore plan says what comes back, how long it still can, and what cannot."""

import json
from dataclasses import replace

from reconciler.formats import catalogue
from reconciler.formats.restore_plan import MAX_BYTES, markdown, render
from reconciler.formats.view import View
from reconciler.model.names import Repository
from reconciler.model.plan import RepositoryPlan, RestorePlan
from reconciler.model.plan_rows import Change
from tests.support.plans import DAY, NOW, digest, image, incomplete, many, part, restore_plan

RUN = "20261031T120000Z-0123abcd"
PLAIN = View(now=NOW, width=100)
CONFLICT = "tag pr-8 of 72686d6d04db is on sha256:abc now, and stays there"


def back(changes: list[Change], days: float = 29) -> list[Change]:
    """Turn deletions round: children first, restorable for so many days."""
    until = NOW + days * DAY
    return [replace(change, action="restore", until=until) for change in reversed(changes)]


def restoring(*parts: RepositoryPlan, retag: bool = False) -> RestorePlan:
    """Plan to restore what a run deleted."""
    return restore_plan(*parts, undoes=RUN, retag=retag)


def web() -> RepositoryPlan:
    """Restore a build with three followers, and a lone image on its last day."""
    build = back(image("pr-7", "sha-1234567", followers=3))
    return part([build, back(image("pr-8"), days=0.5)], versions=40, warnings=(CONFLICT,))


def test_each_image_is_shown_with_the_time_that_is_left() -> None:
    lines = render(restoring(web()), PLAIN).splitlines()

    assert lines == [
        f"Restores what run {RUN} deleted. Evaluated 2026-11-02 12:00 UTC; expires",
        "2026-11-05 12:00 UTC (in 3d).",
        "  ^ restore",
        "",
        "ghcr.io/acme/web  (5 versions to restore)",
        f"  Warning: {CONFLICT}",
        f"  ^ pr-7, sha-1234567  {digest('pr-7+sha-1234567').short}  29d left",
        "      rank 41 of sha-* vs last 20; age 44d vs within 30d  + 3 related versions",
        f"  ^ pr-8               {digest('pr-8').short}  12h left",
        "      rank 41 of sha-* vs last 20; age 44d vs within 30d",
        "",
        f"Digest: {restoring(web()).digest}",
        "Plan: 5 to restore, 0 incomplete.",
    ]


def test_what_comes_back_is_green_on_a_terminal() -> None:
    text = render(restoring(web()), View(now=NOW, colour=True))

    assert "\x1b[32m^\x1b[0m pr-7" in text


def test_a_registry_that_cannot_restore_is_named_with_what_to_do() -> None:
    plain = Repository("registry.example/web")
    error = f"{plain}: registry.example cannot restore what was deleted"

    lines = render(restoring(incomplete(plain, error, "Push again.")), PLAIN).splitlines()

    assert lines[3:7] == [f"? {plain}", f"  {error}", "  Push again.", ""]
    assert lines[-1] == "Plan: 0 to restore, 1 incomplete."


def test_a_plan_to_attach_tags_says_so() -> None:
    text = render(restoring(web(), retag=True), PLAIN)

    assert (
        "Tags that the registry does not restore are attached again unless they are in use.\n"
        in text
    )


def test_a_window_that_has_closed_by_our_clock_leaves_no_time() -> None:
    closed = part([back(image("pr-7"), days=-3)])

    assert "<1h left" in render(restoring(closed), PLAIN)


def test_of_many_warnings_the_first_are_shown() -> None:
    warned = part([back(image("pr-7"))], warnings=tuple(f"tag {n}" for n in range(12)))

    text = render(restoring(warned), PLAIN)

    assert "Warning: tag 9" in text
    assert "  ... and 2 more warnings\n" in text


def test_a_comment_has_a_row_for_each_image() -> None:
    lines = markdown(restoring(web()), PLAIN).splitlines()

    assert lines[0] == "### Restore plan: 5 to restore, 0 incomplete"
    assert f"> - `ghcr.io/acme/web`: `{CONFLICT}`" in lines
    assert lines[7].startswith("| `ghcr.io/acme/web` | `pr-7, sha-1234567` |")
    assert lines[7].endswith("+ 3 related versions |")
    assert lines[-1] == f"Digest `{restoring(web()).digest}`"


def test_a_comment_with_very_many_images_stays_within_its_bounds() -> None:
    huge = restoring(part([back(one) for one in many(3_000)]))

    text = markdown(huge, PLAIN)

    assert len(text.encode()) <= MAX_BYTES
    assert " more images omitted.\n" in text
    assert text.endswith(f"Digest `{huge.digest}`\n")


def test_nothing_to_restore_is_no_table() -> None:
    assert "|" not in markdown(restoring(part()), PLAIN)


def test_every_format_of_a_plan_that_restores_speaks_of_restoring() -> None:
    whole = restoring(web())

    written = {name: catalogue.render(whole, name, PLAIN) for name in catalogue.FORMATS}

    assert written["text"] == render(whole, PLAIN)
    assert written["markdown"] == markdown(whole, PLAIN)
    assert json.loads(written["json"])["undoes"] == RUN
