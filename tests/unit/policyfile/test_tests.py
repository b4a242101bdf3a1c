"""Tests of policies are found beside them, and every mistake is told at its place."""

from pathlib import Path

import pytest

from reconciler.errors import ExitCode
from reconciler.model.language import PolicyProblems
from reconciler.policyfile import load_policies, load_tests, load_text, read_test
from tests.support.policies import GOOD

HEAD = "policy: web\nnow: 2026-03-02T12:00:00Z\n"
ONE = HEAD + "images: [{tags: [sha-1], age: 9d, expect: keep, by: builds}]\n"
GOLDEN = Path(__file__).parents[2] / "golden" / "policy_problems" / "tests.txt"


def told(content: str) -> list[str]:
    """Return what is wrong with a test of the policy `web`."""
    try:
        read_test("web.test.yaml", content.encode(), load_text("web.yaml", GOOD))
    except PolicyProblems as error:
        return [line.removeprefix("web.test.yaml:") for line in str(error).split("\n")]
    return []


def blocks() -> list[tuple[str, list[str]]]:
    """Read the golden file: what stands in a test after `policy` and `now`, and what is told."""
    found = []
    for block in GOLDEN.read_text(encoding="utf-8").split("\n\n")[1:]:
        lines = block.strip("\n").split("\n")
        answers = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        found.append(("\n".join(line for line in lines if not line.startswith("> ")), answers))
    return found


def put(folder: Path, **files: str) -> Path:
    """Write files into a folder; `__` in a name stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    return folder


@pytest.mark.parametrize(("wrong", "answers"), blocks())
def test_a_writer_is_told_what_is_wrong_and_how_to_cure_it(wrong: str, answers: list[str]) -> None:
    assert told(HEAD + wrong) == answers


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("", "1:1: a test of a policy starts with policy: NAME, then now: and images:"),
        ("- web\n", "1:1: a test of a policy starts with policy: NAME, then now: and images:"),
        ("{}", "1:1: a test of a policy starts with policy: NAME, then now: and images:"),
        (
            "policy: wep\nnow: 2026-03-02T12:00:00Z\nimages: [{age: 1d}]",
            "1:9: policy: no policy here is called 'wep'; did you mean 'web'?",
        ),
        (
            "policy: other\nnow: 2026-03-02T12:00:00Z\nimages: [{age: 1d}]",
            "1:9: policy: no policy here is called 'other'; there are web",
        ),
        (
            "policy: web\nnow: yesterday\nimages: [{age: 1d}]",
            "2:6: now: 'yesterday' is not a time with its zone, such as 2026-01-31T12:00:00Z",
        ),
        (
            "policy: web\nnow: 2026-03-02\nimages: [{age: 1d}]",
            "2:6: now: '2026-03-02' is not a time with its zone, such as 2026-01-31T12:00:00Z",
        ),
        (
            "policy: web\nnow: 5\nimages: [{age: 1d}]",
            '2:6: now: YAML read 5 as a number, not a time; quote it: "5"',
        ),
    ],
)
def test_a_test_names_its_policy_and_its_moment(content: str, answer: str) -> None:
    assert told(content) == [answer]


def test_times_need_no_quotes_and_tags_do() -> None:
    content = HEAD + "images: [{tags: ['1.10', '2026-01-31'], pushed: 2026-01-31T12:00:00Z}]\n"

    assert told(content) == []
    number, date = told(content.replace("'", ""))
    assert number.endswith('YAML read 1.10 as a number, not a tag; quote it: "1.10"')
    assert date.endswith('YAML read 2026-01-31 as a date, not a tag; quote it: "2026-01-31"')


def test_each_image_and_the_guards_know_their_line() -> None:
    content = HEAD + "images:\n  - {age: 1d}\n\n  - age: 2d\n    tags: [x]\nguards: {expect: ok}\n"

    written = read_test("web.test.yaml", content.encode(), load_text("web.yaml", GOOD))

    assert written.lines == (4, 6, 8)


def test_an_anchor_saves_typing_and_cannot_blow_up() -> None:
    shared = "images: [{tags: [a], artifact_type: &type chart, age: 1d}, {artifact_type: *type}]\n"
    bomb = "images:\n  - &a {children: [x, x, x, x]}\n" + "".join(
        f"  - &{new} {{children: [*{old}, *{old}, *{old}, *{old}]}}\n"
        for old, new in zip("abcdefghi", "bcdefghij", strict=True)
    )

    assert told(HEAD + shared) == []
    assert "the file holds more than" in told(HEAD + bomb)[0]


def test_the_policy_of_a_test_is_looked_for_beside_it_and_below(tmp_path: Path) -> None:
    web = GOOD.decode()
    put(tmp_path / "a", web__yaml=web, web__test__yaml=ONE)
    put(tmp_path / "b", web__test__yaml=ONE)
    put(tmp_path / "b" / "below", web__yml=web)

    tests = load_tests([tmp_path / "a", tmp_path / "b"])

    assert [test.path for test in tests] == [
        f"{tmp_path}/a/web.test.yaml",
        f"{tmp_path}/b/web.test.yaml",
    ]
    assert [test.policy.name for test in tests] == ["web", "web"]


def test_tests_are_no_policies_and_policies_are_no_tests(tmp_path: Path) -> None:
    folder = put(tmp_path, web__yaml=GOOD.decode(), web__test__yaml=ONE, web__more__test__yml=ONE)

    assert len(load_policies([folder]).policies) == 1
    assert len(load_tests([folder])) == 2
    with pytest.raises(
        PolicyProblems, match="this is not a test of a policy: the name of a test ends in"
    ):
        load_tests([folder / "web.yaml"])


def test_hidden_tests_are_passed_over_unless_they_are_named(tmp_path: Path) -> None:
    put(tmp_path, web__yaml=GOOD.decode(), web__test__yaml=ONE)
    hidden = put(tmp_path / ".old", web__yaml=GOOD.decode(), web__test__yaml=ONE)

    assert len(load_tests([tmp_path])) == 1
    assert len(load_tests([tmp_path, hidden / "web.test.yaml"])) == 2


def test_a_folder_without_tests_is_a_mistake_and_not_a_success(tmp_path: Path) -> None:
    put(tmp_path, web__yaml=GOOD.decode())

    with pytest.raises(PolicyProblems, match=r"contains no test of a policy \(\*\.test\.yaml\)"):
        load_tests([tmp_path])
    with pytest.raises(PolicyProblems, match="there is no such file or directory"):
        load_tests([tmp_path / "missing.test.yaml"])


def test_the_problems_of_all_tests_are_told_together_and_end_the_run(tmp_path: Path) -> None:
    wrong = HEAD + "images: []\n"
    folder = put(tmp_path, web__yaml=GOOD.decode(), a__test__yaml=wrong, b__test__yaml=wrong)

    with pytest.raises(PolicyProblems) as caught:
        load_tests([folder])

    assert [Path(problem.path).name for problem in caught.value.problems] == [
        "a.test.yaml",
        "b.test.yaml",
    ]
    assert caught.value.exit_code is ExitCode.BAD_POLICY
    assert caught.value.hint == "Correct the test and run `reconciler test` again."


def test_a_broken_policy_beside_a_test_is_told_as_what_it_is(tmp_path: Path) -> None:
    folder = put(tmp_path, web__yaml="version: 2\n", web__test__yaml=ONE)

    with pytest.raises(PolicyProblems, match=r"web\.yaml:1:10: version: this reconciler") as caught:
        load_tests([folder])

    assert caught.value.hint == "Correct the file and run `reconciler validate`."
