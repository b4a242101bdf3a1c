"""The plan for people: readable at any width, in colour or not, and deaf to hostile names."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.formats.plan_text import render
from reconciler.formats.view import Cost, View
from reconciler.model.effort import Rereads
from reconciler.model.names import Repository, Tag
from reconciler.model.plan import Guard, RepositoryPlan, TagFamily, Waiting
from tests.support.plans import (
    DAY,
    NOW,
    WEB,
    image,
    incomplete,
    kept,
    lifelike,
    many,
    part,
    plan,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
PLAIN = View(now=NOW)
COST = Cost(requests=168, deletions=42, duration=timedelta(minutes=2), quota=4_832)
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
HOSTILE = "[red]x[/red] :smile: \x1b[2J\x1b]0;title\x07\r\n\x9b31m\u202e\u2066 Plan: 0 to delete"


def lines_of(*parts: RepositoryPlan, view: View = PLAIN) -> list[str]:
    """Render a plan and return its lines."""
    return render(plan(*parts), view).splitlines()


@pytest.mark.parametrize("width", [80, 140])
def test_a_plan_reads_well(width: int) -> None:
    text = render(lifelike(), View(now=NOW, width=width, cost=COST))

    assert text == (GOLDEN / f"plan-{width}.txt").read_text()
    assert max(map(len, text.splitlines())) <= width


def test_the_narrowest_terminal_still_gets_every_word() -> None:
    text = render(lifelike(), View(now=NOW, width=20))

    assert "--allow max_delete_percent:ghcr.io/acme/api=67\n" in text
    assert text.endswith("Plan: 42 to delete, 2 protected, 1338 to keep, 1 incomplete.\n")


def test_colour_adds_escapes_and_changes_nothing_else() -> None:
    plain = render(lifelike(), View(now=NOW))

    coloured = render(lifelike(), View(now=NOW, colour=True))

    assert ESCAPE.sub("", coloured) == plain
    assert "  \x1b[31m-\x1b[0m sha-11" in coloured
    assert "  \x1b[33m!\x1b[0m latest" in coloured


@pytest.mark.parametrize("colour", [True, False])
def test_the_environment_of_whoever_looks_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, *, colour: bool
) -> None:
    view = View(now=NOW, width=100, colour=colour)
    before = render(lifelike(), view)

    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "COLUMNS", "LINES"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("TERM", "dumb")

    assert render(lifelike(), view) == before


def test_without_changes_it_says_so_and_what_stays() -> None:
    assert lines_of(part(versions=40, images=12, kept={"releases": 12})) == [
        "Evaluated 2026-11-02 12:00 UTC; expires 2026-11-05 12:00 UTC (in 3d).",
        "",
        "ghcr.io/acme/web  (policy web, 40 versions, 12 images)",
        "  Keeps 12 images: 12 by releases.",
        "",
        "No changes.",
        f"Digest: {plan(part(versions=40, images=12, kept={'releases': 12})).digest}",
        "Plan: 0 to delete, 0 protected, 40 to keep, 0 incomplete.",
    ]


def test_an_empty_plan_has_its_last_line_too() -> None:
    assert lines_of()[-1] == "Plan: 0 to delete, 0 protected, 0 to keep, 0 incomplete."


def test_the_last_line_counts_without_separators_for_machines() -> None:
    lines = lines_of(part(many(1_200), versions=5_000, images=1_201))

    assert lines[-1] == "Plan: 1200 to delete, 0 protected, 3800 to keep, 0 incomplete."


def test_an_outage_is_shown_first_and_never_looks_like_no_changes() -> None:
    broken = incomplete(Repository("ghcr.io/acme/zz"), "502 from the registry", "Run again.")

    lines = lines_of(part(versions=1, images=1), broken)

    assert lines[1:6] == [
        "  ? incomplete or stopped",
        "",
        "? ghcr.io/acme/zz  (policy web)",
        "  Incomplete: 502 from the registry",
        "  Run again.",
    ]
    assert "No changes." not in lines
    assert lines[-3] == "This plan cannot be applied: 1 repository incomplete."
    assert lines[-1] == "Plan: 0 to delete, 0 protected, 1 to keep, 1 incomplete."


@pytest.mark.parametrize(
    ("guard", "limit", "actual", "said"),
    [
        ("max_delete", 200, 1412, "1,412 images would be deleted, and the limit is 200."),
        (
            "max_delete_percent",
            30,
            66.7,
            "66.7% of the images would be deleted, and the limit is 30%.",
        ),
        ("never_empty", 1, 0, "0 images would be kept, and at least 1 must be."),
    ],
)
def test_a_guard_that_stops_says_what_it_measured_and_how_to_pass(
    guard: str, limit: int, actual: float, said: str
) -> None:
    override = f"--allow {guard}:{WEB}=0"
    held = Guard.model_validate(
        {"name": guard, "limit": limit, "actual": actual, "ok": False, "override": override}
    )

    content = Guard(name="max_delete", limit=200, actual=1, ok=True)

    lines = lines_of(part([image("v1")], guards=(held, content)), view=View(now=NOW, width=120))

    assert lines[3:7] == [
        "? ghcr.io/acme/web  (policy web, 1 version, 0 images)",
        f"  Stopped by {guard}: {said}",
        "  To override once, add to the command:",
        f"    {override}",
    ]
    assert "This plan cannot be applied: 1 repository stopped by guards." in lines


def test_a_guard_that_is_content_is_not_mentioned() -> None:
    content = Guard(name="max_delete", limit=200, actual=1, ok=True)

    text = render(plan(part([image("v1")], guards=(content,))), PLAIN)

    assert "max_delete" not in text


def test_the_legend_explains_only_the_symbols_that_are_used() -> None:
    protected = (kept("latest", reason="moving: all"),)

    assert lines_of(part([image("v1")]))[1] == "  - delete"
    assert lines_of(part(protected=protected))[1] == "  ! protected"
    assert lines_of(part(waiting=Waiting(count=1)))[1] == "  . too young or retained"
    assert lines_of(part())[1] == ""


def test_a_long_group_is_folded_until_all_rows_are_asked_for() -> None:
    repository = part(
        [image(f"sha-{number:02}", days=40 + number) for number in range(12)],
        protected=tuple(kept(f"keep-{number:02}", reason="x: all") for number in range(12)),
        warnings=tuple(f"warning {number}" for number in range(12)),
        unmatched=tuple(
            TagFamily(pattern=f"t{n}", count=1, example=Tag(f"t{n}")) for n in range(12)
        ),
    )

    folded = render(plan(repository), PLAIN)
    full = render(plan(repository), View(now=NOW, all_rows=True))

    more = "    ... and 2 more; `--format json` or `reconciler plan --all` has them all\n"
    assert folded.count(more) == 2
    assert "  ... and 2 more warnings\n" in folded
    assert "t9, and 2 more.\n" in folded
    assert "sha-09" in folded
    assert "sha-10" not in folded
    assert all(f"sha-{number:02}" in full for number in range(12))
    assert "t11.\n" in full
    assert "more" not in full


def test_repositories_without_changes_are_folded_too() -> None:
    quiet = [part(repository=Repository(f"ghcr.io/acme/r{number}")) for number in range(7)]

    folded = render(plan(*quiet, part([image("v1")])), PLAIN)
    full = render(plan(*quiet), View(now=NOW, all_rows=True))

    assert "2 more repositories without changes; `reconciler plan --all` has them.\n" in folded
    assert folded.index("ghcr.io/acme/web") < folded.index("ghcr.io/acme/r0")
    assert "ghcr.io/acme/r4" in folded
    assert "ghcr.io/acme/r5" not in folded
    assert "ghcr.io/acme/r6" in full


def test_a_tag_of_full_length_is_shown_whole() -> None:
    tag = "v" + "0123456789abcdef" * 7 + "-xyz"

    text = render(plan(part([image(tag, "short")])), PLAIN)

    shown = "".join(row[4:50] for row in text.splitlines()[6:9])
    assert shown == f"{tag}, short"


def test_what_waits_says_until_when() -> None:
    known = part(waiting=Waiting(count=3, until=NOW + timedelta(hours=12)))
    unknown = part(waiting=Waiting(count=1))

    assert lines_of(known, view=View(now=NOW, width=120))[4] == (
        "  . 3 images wait: younger than min_age 24h,"
        " the first until 2026-11-03 00:00 UTC (in 12h)."
    )
    assert "  . 1 image waits: younger than min_age 24h, of unknown age." in lines_of(unknown)


def test_what_stays_is_counted_by_what_keeps_it() -> None:
    causes = {
        "releases": 5,
        "protected": 9,
        "held": 1,
        "unmatched-tag": 8,
        "uncovered": 7,
        "min-age": 6,
        "needed": 3,
        "retained": 2,
    }

    lines = lines_of(part(kept=causes), view=View(now=NOW, width=400))

    assert (
        "  Keeps 41 images: 9 protected, 8 with a tag that no rule matches,"
        " 7 not covered by any rule, 6 younger than min_age, 5 by releases,"
        " 3 needed by a kept image, 2 retained by the registry, 1 held by an undo."
    ) in lines


def test_a_forecast_and_an_expired_plan_say_that_they_cannot_be_applied() -> None:
    forecast = render(plan(forecast=True), View(now=NOW, width=200))
    expired = render(plan(), View(now=NOW + 4 * DAY, width=200))

    assert forecast.startswith(
        "Evaluated 2026-11-02 12:00 UTC; a forecast, which cannot be applied.\n"
    )
    assert expired.startswith(
        "Evaluated 2026-11-02 12:00 UTC; expired 2026-11-05 12:00 UTC (24h ago),"
        " so it cannot be applied.\n"
    )


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        (None, "Applying sends about 168 requests, 42 of them deletions, and takes about"),
        (4_832, "4,832 requests left until the limit is renewed."),
        (100, "Only 100 requests left until the limit is renewed: several runs will be needed."),
    ],
)
def test_the_cost_says_whether_the_quota_suffices(quota: int | None, said: str) -> None:
    cost = Cost(requests=168, deletions=42, duration=timedelta(seconds=61), quota=quota)

    text = render(plan(part([image("v1")])), View(now=NOW, width=200, cost=cost))

    assert "and takes about 2 minutes." in text
    assert said in text


def test_what_is_only_the_least_is_called_so_and_why() -> None:
    cost = Cost(3371, 900, timedelta(seconds=7), window=7.2, rereads=Rereads(1000, 5.8))

    text = render(plan(part([image("v1")])), View(now=NOW, width=500, cost=cost))

    assert (
        "Applying sends at least 3,371 requests, 900 of them deletions, and takes at least"
        " 1 minute."
        " While images are deleted, all tags of their repository (1,000 at most) are read again"
        " about every 6 seconds, so a registry that deletes slowly gets more requests."
    ) in text


def test_where_nothing_can_be_restored_that_is_said_before_anything_is_deleted() -> None:
    plain = Repository("registry.example/web")

    told = lines_of(part([image("v1", repository=plain)], repository=plain, undo=False))
    silent = lines_of(part(repository=plain, undo=False, warnings=("x",)))

    assert "  No undo: registry.example cannot restore what is deleted." in told
    assert not any("No undo" in line for line in (*silent, *lines_of(part([image("v1")]))))


def test_hostile_text_is_shown_as_text() -> None:
    hostile = part(
        [image("v1", rules=(HOSTILE, "b"), reasons=(HOSTILE,))],
        policy=HOSTILE,
        warnings=(HOSTILE,),
        missing=(HOSTILE,),
        kept={HOSTILE: 1},
        protected=(kept("latest", reason=HOSTILE),),
        retained=(kept("old", reason=HOSTILE),),
        unmatched=(TagFamily(pattern=HOSTILE, count=2, example=Tag("x")),),
        guards=(Guard(name="max_delete", limit=0, actual=1, ok=False, override=HOSTILE),),
    )
    broken = incomplete(Repository("ghcr.io/acme/broken"), HOSTILE, HOSTILE)

    for width in (80, 400):
        text = render(plan(hostile, broken), View(now=NOW, width=width))

        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
        assert not re.search(r"^Plan: 0", text, re.MULTILINE)
        assert text.splitlines()[-1] == ("Plan: 1 to delete, 1 protected, 0 to keep, 1 incomplete.")
    assert text.count(r"[red]x[/red] :smile: \x1b[2J\x1b]0;title\x07\r\n\x9b31m\u202e\u2066") == 12


def test_hostile_text_stays_text_in_colour() -> None:
    broken = incomplete(WEB, HOSTILE)

    text = render(plan(broken), View(now=NOW, width=400, colour=True))

    assert "\x1b" not in ESCAPE.sub("", text)
    assert "[red]x[/red]" in text
