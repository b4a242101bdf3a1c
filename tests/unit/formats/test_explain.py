"""One version explained: readable at any width, whole for programs, and deaf to hostile texts."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.analysis.explain import Explanation, explain
from reconciler.formats.explain import as_json, render
from reconciler.formats.view import View
from reconciler.model.inventory import Version
from tests.support.inventories import attestation, case, digest, image, index, referrer, signature
from tests.support.time import NOON

GOLDEN = Path(__file__).parents[2] / "golden" / "formats"
POLICY = """
protect: [{name: moving, match: {tags: [latest]}}]
rules:
  - {name: releases, match: {semver: ">=0"}, keep: {all: true}}
  - {name: previews, match: {tags: ["pr-*"]}, keep: {last: 1, within: 30d}}
  - {name: commits, match: {tags: ["sha-*"]}, keep: {last: 20, within: 30d}}
  - {name: dangling, match: {untagged: true}, keep: {within: 7d}}
"""
HOSTILE = "[red]x[/red] \x1b[2J\x1b]0;title\x07\r\nIt is kept: \x9b31m\u202e for ever"


def lifelike() -> list[Version]:
    """A release that shares a platform image with a preview and with what a tag left behind."""
    amd, arm = image("amd"), image("arm")
    provenance = attestation("provenance", of=amd)
    release = index("release", "1.4.2", "latest", lists=[amd, arm, provenance, "gone"])
    nested = index("nested", lists=[amd])
    return [
        *(amd, arm, provenance, release, nested),
        index("preview", "pr-481", "sha-4b1c9e2", lists=[nested], age="31d"),
        index("left", lists=[amd], age="3d"),
        signature("signed", of=release),
        referrer("bundle", of=release),
    ]


def told(name: str, *versions: Version) -> Explanation:
    return explain(case(POLICY, *(versions or lifelike())), digest(name))


def lines_of(explanation: Explanation, width: int = 80) -> list[str]:
    return render(explanation, View(now=NOON, width=width)).splitlines()


@pytest.mark.parametrize("width", [80, 140])
def test_an_explanation_reads_well(width: int) -> None:
    names = ("amd", "release", "left", "preview", "signed")

    text = "\n".join(render(told(name), View(now=NOON, width=width)) for name in names)

    assert text == (GOLDEN / f"explained-{width}.txt").read_text()


@pytest.mark.parametrize(
    ("versions", "verdict"),
    [
        ([image("a", "latest")], "It is kept: moving protects it."),
        ([image("a", "1.0.0")], "It is kept: releases keeps it."),
        ([image("a", "customer")], "It is kept: tag customer matches no rule."),
        ([image("a", age="25h")], "It is kept: dangling keeps it."),
        ([image("a")], "It would be deleted: no rule keeps it."),
        (
            [image("a"), index("b", lists=["a"])],
            f"It would be deleted with {digest('b').short}.",
        ),
        (
            [image("a"), index("b", lists=["a"], age="1d"), index("c", "1.0.0", lists=["a"])],
            f"It is kept: needed by {digest('b').short} and 1 more image.",
        ),
        (
            [image("a", "pr-1"), image("x", "pr-2", age="1d"), index("b", "1.0.0", lists=["a"])],
            f"It is kept: needed by 1.0.0 {digest('b').short}.",
        ),
    ],
)
def test_the_verdict_names_what_decides(versions: list[Version], verdict: str) -> None:
    assert verdict in lines_of(told("a", *versions), width=200)


def test_an_image_that_stays_for_what_belongs_to_it_says_so() -> None:
    old, new = index("old", "pr-1", lists=["amd"], age="31d"), image("new", "pr-2", age="1d")

    text = " ".join(lines_of(told("old", old, new, image("amd", age="2d"))))

    why = f"its manifest or referrer {digest('amd')} is kept (dangling: age 2d vs within 7d)"
    assert f"It is kept: {why}." in text


def test_a_version_that_goes_and_one_that_stays_for_ever_say_so() -> None:
    assert lines_of(told("a", image("a")))[-1] == "The next `reconciler apply` would delete it."
    assert lines_of(told("a", image("a", "1.0.0")))[-1] == "Time alone does not change this."


def test_a_base_that_everything_shares_is_explained_in_a_few_lines() -> None:
    base = image("base")
    owners = [index(f"owner {number:03}", f"1.0.{number}", lists=[base]) for number in range(300)]
    explanation = told("base", base, *owners)

    short = lines_of(explanation)
    whole = render(explanation, View(now=NOON, all_rows=True)).splitlines()

    assert len(short) < 45
    assert "    ... and 290 more; `--all` prints them" in short
    assert "    ... and 290 more images" in short
    assert len(whole) > 900


def test_every_time_that_is_known_is_told() -> None:
    version = image("a", age="9d", created="10d", first_seen="8d", untagged_since="2d")

    assert lines_of(told("a", version))[2:6] == [
        "  pushed 2026-10-24 12:00 UTC (9d ago)",
        "  built 2026-10-23 12:00 UTC (10d ago)",
        "  first seen 2026-10-25 12:00 UTC (8d ago)",
        "  without a tag since 2026-10-31 12:00 UTC (2d ago)",
    ]


@pytest.mark.parametrize("age", [None, "-2h"])
def test_an_age_of_nothing_is_told_from_one_that_nobody_knows(age: str | None) -> None:
    doubt = "      counts as new for dangling: its time is unknown or in the future"

    assert doubt in lines_of(told("a", image("a", age=age)))
    assert doubt not in lines_of(told("a", image("a", age="0h")))


def test_texts_of_a_manifest_cannot_drive_the_terminal_or_add_lines() -> None:
    plain = image("a", "1.0.0")
    assert plain.manifest
    hostile = replace(plain, manifest=replace(plain.manifest, artifact_type=HOSTILE))

    text = render(told("a", hostile), View(now=NOON, width=300))

    assert not [letter for letter in text if not (letter.isprintable() or letter == "\n")]
    assert "artifact, [red]x[/red] \\x1b[2J" in text
    assert text.count("\nIt is kept: ") == 1


def test_programs_get_the_whole_chain_and_every_rule() -> None:
    document = json.loads(as_json(told("amd")))

    assert document["repository"] == "ghcr.io/acme/web"
    assert (document["nature"], document["platform"]) == ("platform image", "linux/amd64")
    assert (document["goes"], document["cause"], document["leaves"]) == (False, "needed", None)
    assert document["chains"][-1] == {
        "path": [digest("amd"), digest("nested"), digest("preview")],
        "tags": ["pr-481", "sha-4b1c9e2"],
        "goes": False,
        "cause": "rule",
        "note": "",
        "rules": [
            {
                "name": "commits",
                "keeps": True,
                "reason": "rank 1 of sha-* vs last 20; age 31d vs within 30d",
                "doubtful": False,
            },
            {
                "name": "previews",
                "keeps": True,
                "reason": "rank 1 of pr-* vs last 1; age 31d vs within 30d",
                "doubtful": False,
            },
        ],
    }
    assert {
        "digest": digest("left"),
        "listed": True,
        "nature": "index",
        "platform": "",
        "tags": [],
    } in document["kept_by"]


def test_programs_get_times_as_iso_8601() -> None:
    document = json.loads(as_json(told("left")))

    assert document["times"] == {"pushed": "2026-10-30T12:00:00+00:00"}
    assert document["evaluated_at"] == "2026-11-02T12:00:00+00:00"
    assert document["leaves"] == "2026-11-06T12:00:00+00:00"
