"""The comment of a pull request: bounded, harmless, and honest about what became of the plan."""

import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.formats.comment import (
    AppliedRun,
    Posting,
    applied_run,
    is_ours,
    render,
)
from reconciler.formats.log import RunSummary
from reconciler.formats.plan_markdown import MAX_BYTES
from reconciler.formats.view import View
from reconciler.model.journal import Entry, Record, chain
from reconciler.model.plan import DeletionPlan, Guard
from tests.support import differences
from tests.support.gfm import HOSTILE, foreign_html, html_of, prose_of, rows_of, tokens_of
from tests.support.plans import DAY, NOW, WEB, digest, image, lifelike, many, part, plan

PLAIN = View(now=NOW)
SMALL = plan(part([image("v1")], versions=3))
OTHER = plan(part([image("v1"), image("v2")], versions=4))
RUN = "20261102T120000Z-1a2b3c4d"


def hostile_plan(text: str) -> DeletionPlan:
    """Put one text wherever a stranger could, with enough rows to be folded."""
    guard = Guard(name="max_delete", limit=0, actual=2, ok=False, override=text)
    return plan(
        part(
            [image("v1", rules=(text,), reasons=(text,))],
            policy=text,
            warnings=(text,),
            guards=(guard,),
        ),
        tool=text,
    )


def ran(**facts: object) -> AppliedRun:
    """Sum up a run that deleted three versions, and can be undone for four weeks."""
    summary = RunSummary(
        run=RUN,
        opened=NOW,
        closed=NOW,
        end="done",
        who="octocat@runner",
        repositories=(WEB,),
        results={"deleted": 3, "skipped_changed": 1},
    )
    known = {"summary": summary, "undo_until": NOW + 28 * DAY}
    return AppliedRun(**(known | facts))  # type: ignore[arg-type]


def test_the_marker_comes_first_and_is_not_seen() -> None:
    text = render(SMALL, PLAIN, Posting())

    assert is_ours(text)
    assert SMALL.digest in text.splitlines()[0]
    assert "reconciler:plan" not in re.sub(r"<!--.*?-->", "", html_of(text))


def test_without_a_difference_the_rest_is_what_plan_prints() -> None:
    from_plan = lifelike()

    text = render(from_plan, PLAIN, Posting())

    assert text.splitlines()[1] == (
        "### Retention plan: 42 to delete, 2 protected, 1338 to keep, 1 incomplete"
    )
    assert text.endswith(f"Digest `{from_plan.digest}`\n")


def test_what_the_pull_request_changes_stands_before_the_plan() -> None:
    found = differences.lifelike()

    text = render(SMALL, View(now=NOW, against=found), Posting())

    places = [
        text.index(words)
        for words in (
            "### Retention plan",
            "Weakened protections",
            "92 more to delete, 3 fewer",
            "| Repository |",
            "<details>",
            "Digest `",
        )
    ]
    assert places == sorted(places)


def test_the_headline_of_an_earlier_plan_is_struck() -> None:
    earlier = render(SMALL, PLAIN, Posting())

    text = render(OTHER, PLAIN, Posting(before=earlier))

    assert "<s>Retention plan: 1 to delete, 0 protected, 2 to keep, 0 incomplete</s>" in html_of(
        text
    )
    assert f"(superseded: `{SMALL.digest[7:19]}`)" in text


def test_the_same_plan_supersedes_nothing() -> None:
    earlier = render(SMALL, PLAIN, Posting())

    assert render(SMALL, PLAIN, Posting(before=earlier)) == earlier


@pytest.mark.parametrize(
    "marker",
    [
        "{}",
        "",
        "[]",
        '{"v":1,"plan":"x","summary":{}}',
        '{"v":2,"plan":"sha256:' + "0" * 64 + '","summary":{}}',
        '{"v":1,"plan":"sha256:' + "0" * 64 + '","summary":{"delete":"<b>"}}',
        '{"v":1,"plan":"sha256:' + "0" * 64 + '","summary":{},"more":"@all"}',
        "[" * 900,
        "x" * 5_000,
    ],
)
def test_a_marker_that_somebody_wrote_is_not_believed(marker: str) -> None:
    text = render(SMALL, PLAIN, Posting(before=f"<!-- reconciler:plan {marker} -->\nold"))

    assert text == render(SMALL, PLAIN, Posting())


def test_windows_line_ends_are_read_as_well() -> None:
    earlier = render(SMALL, PLAIN, Posting()).replace("\n", "\r\n")

    assert "superseded" in render(OTHER, PLAIN, Posting(before=earlier))


def test_afterwards_it_tells_what_was_done_and_the_way_back() -> None:
    lines = render(SMALL, PLAIN, Posting(applied=ran())).splitlines()

    assert lines[1:6] == [
        f"### Applied by run `{RUN}`: 3 deleted, 1 skipped changed",
        "",
        f"Undo with `reconciler undo {RUN}` until 2026-11-30 12:00 UTC (in 28d).",
        "",
        "~~Retention plan: 1 to delete, 0 protected, 2 to keep, 0 incomplete~~",
    ]


def test_a_run_that_was_cut_short_is_no_success() -> None:
    applied = ran()
    cut = replace(applied, summary=replace(applied.summary, end="the time budget is used up"))

    text = render(SMALL, PLAIN, Posting(applied=cut))

    assert "The run stopped early: `the time budget is used up`. The next run" in text


def test_what_cannot_be_taken_back_is_said() -> None:
    text = render(SMALL, PLAIN, Posting(applied=ran(undo_until=None)))

    assert "Its deletions cannot be undone." in text


def test_a_way_back_that_has_ended_is_not_offered() -> None:
    late = View(now=NOW + 40 * DAY)

    text = render(SMALL, late, Posting(applied=ran()))

    assert "could be undone until 2026-11-30 12:00 UTC (12d ago)." in text
    assert "Undo with" not in text


def test_a_run_is_found_in_the_journal_with_the_end_of_its_undo() -> None:
    found = applied_run({WEB: journal()}, RUN)

    assert found is not None
    assert found.summary.counts_text == "1 deleted, 1 retained"
    assert found.undo_until == NOW + timedelta(days=30)
    assert applied_run({WEB: journal()}, "another") is None


def journal() -> list[Record]:
    """Tell of a run that deleted one version, and was refused another."""
    keys = [(f"{WEB}@{digest(name)}", digest(name)) for name in ("a", "b")]
    entries = [Entry("run_open", {"who": "octocat@runner", "undo_days": 30})]
    for (key, version), result in zip(keys, ("deleted", "retained"), strict=True):
        entries.append(Entry("intent", {"key": key, "digest": version}))
        entries.append(Entry("outcome", {"key": key, "result": result}))
    return chain(None, RUN, NOW, [*entries, Entry("run_close", {"reason": "done"})])


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_text(text: str) -> None:
    page = render(hostile_plan(text), PLAIN, Posting())

    marker, body = page.split("\n", 1)
    assert json.loads(marker.removeprefix("<!-- reconciler:plan ").removesuffix(" -->"))
    kinds = {token.type for token in tokens_of(body)}
    assert not foreign_html(body)
    assert not kinds & {"link_open", "image", "em_open", "strong_open", "s_open", "fence"}
    assert not re.search(r"@|#\d|GH-\d|://|www\.|<!--", prose_of(body))
    assert [len(cells) for cells in rows_of(body)] == [7, 7, 5, 5]


def test_a_link_is_the_only_link() -> None:
    link = "https://github.com/acme/web/actions/runs/1"

    found = list(tokens_of(render(SMALL, PLAIN, Posting(link=link))))

    assert [token.attrs["href"] for token in found if token.type == "link_open"] == [link]


def test_sixty_thousand_deletions_and_a_large_difference_fit() -> None:
    big = plan(part(many(60_000), versions=61_000, images=61_000))
    found = differences.difference(
        *(
            differences.repository(
                added=(differences.shift(40, differences.LAST),),
            )
            for _ in range(900)
        ),
        of=big,
    )
    earlier = render(SMALL, PLAIN, Posting())
    link = f"https://github.com/{'x' * 900}"

    text = render(big, View(now=NOW, against=found), Posting(earlier, link, ran()))

    assert len(text.encode()) <= MAX_BYTES
    assert f"Digest `{big.digest}`\n[The full plan](<{link}>)\n" in text
    assert "<s>Retention plan: 1 to delete" in html_of(text)
    assert "36,000 more to delete" in text
    assert "| `ghcr.io/acme/web` | `web` | 60,000 | 1,000 |" in text


def test_a_limit_that_was_raised_for_this_plan_is_a_warning() -> None:
    raised = Guard(name="max_delete", limit=1500, actual=6, ok=True, asked=True)

    text = render(plan(part([image("v1")], guards=(raised,))), PLAIN, Posting())

    assert "`max_delete is 1,500 for this plan, as requested`" in text


def test_a_guard_that_is_more_than_half_used_is_a_warning() -> None:
    used = Guard(name="max_delete", limit=10, actual=6, ok=True)
    half = Guard(name="max_delete_percent", limit=30, actual=15, ok=True)

    text = render(plan(part([image("v1")], guards=(used, half))), PLAIN, Posting())

    assert "`max_delete is more than half used: 6 of 10`" in text
    assert "max_delete_percent" not in text
