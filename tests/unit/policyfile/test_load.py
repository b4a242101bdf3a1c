"""Which files are read, and what the policies of several files may not share."""

import hashlib
import os
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.model.language import PolicyProblems
from reconciler.model.names import Repository
from reconciler.policyfile import is_policy_file, load_policies, load_text, load_texts
from tests.support.policies import GOOD


def policy(name: str, *repositories: str, more: str = "") -> bytes:
    listed = ", ".join(f'"{repository}"' for repository in repositories)
    return f"""\
version: 1
policies:
  - name: {name}
    repositories: [{listed}]
    rules: [{{name: all, match: {{any: true}}, keep: {{last: 1}}}}]
{more}""".encode()


def write(directory: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def problems_of(*texts: tuple[str, bytes]) -> list[str]:
    with pytest.raises(PolicyProblems) as caught:
        load_texts(texts)
    return str(caught.value).split("\n")


def test_a_directory_means_its_yaml_files_sorted_without_tests_and_hidden_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(
        Path("policies"),
        b_yaml=policy("b", "ghcr.io/acme/b"),
        a_yml=policy("a", "ghcr.io/acme/a"),
        teams__c_yaml=policy("c", "ghcr.io/acme/c"),
        a_test_yaml=b"not: a policy",
        _hidden__x_yaml=b"not: a policy",
        notes_txt=b"not: a policy",
    )

    loaded = load_policies([Path("policies")])

    assert [policy.name for policy in loaded.policies] == ["a", "b", "c"]
    assert [source.path for source in loaded.sources] == [
        "policies/a.yml",
        "policies/b.yaml",
        "policies/teams/c.yaml",
    ]


def test_a_file_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, web_yaml=GOOD)

    loaded = load_policies([tmp_path / "web.yaml", tmp_path])

    assert [policy.name for policy in loaded.policies] == ["web"]


def test_a_source_is_hashed_from_the_bytes_that_were_read() -> None:
    source = load_text("web.yaml", GOOD).sources[0]

    assert (source.path, source.sha256) == ("web.yaml", hashlib.sha256(GOOD).hexdigest())


def test_a_byte_order_mark_does_no_harm() -> None:
    assert load_text("web.yaml", b"\xef\xbb\xbf" + GOOD).policies[0].name == "web"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing.yaml", "there is no such file or directory"),
        ("empty", "this directory contains no policy file (*.yaml or *.yml)"),
        ("pipe", "this is not a regular file"),
    ],
)
def test_a_path_that_holds_no_policy_is_named(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(PolicyError) as caught:
        load_policies([tmp_path / name])

    assert str(caught.value) == f"{tmp_path}/{name}: {told}"


@pytest.mark.parametrize("name", ["missing.yaml", "empty"])
def test_where_no_policy_exists_the_hint_names_the_command_that_writes_one(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(PolicyError) as caught:
        load_policies([tmp_path / name])

    assert caught.value.hint == (
        "Name existing policy files, or create policies/ with `reconciler init`."
    )


def test_a_missing_file_among_wrong_ones_leaves_the_hint_to_correct_them(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=b"version: 2\n")

    with pytest.raises(PolicyProblems) as caught:
        load_policies([tmp_path / "a.yaml", tmp_path / "missing.yaml"])

    assert caught.value.hint == "Correct the file and run `reconciler validate`."


def test_the_problems_of_all_files_are_told_together(tmp_path: Path) -> None:
    write(tmp_path, a_yaml=b"version: 2\n", b_yaml=b"version: 1\npolicies: []\n")

    with pytest.raises(PolicyProblems) as caught:
        load_policies([tmp_path, tmp_path / "c.yaml"])

    assert [(p.path, p.line) for p in caught.value.problems] == [
        (f"{tmp_path}/a.yaml", 1),
        (f"{tmp_path}/b.yaml", 2),
        (f"{tmp_path}/c.yaml", 0),
    ]


def test_a_file_name_cannot_smuggle_controls_into_a_message(tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.yaml").write_bytes(b"version: 2\n")

    with pytest.raises(PolicyProblems) as caught:
        load_policies([tmp_path])

    assert str(caught.value).startswith(f"{tmp_path}/a\\x1b[31m.yaml:1:10: ")


def test_two_policies_of_one_name_are_told_with_both_places() -> None:
    told = problems_of(
        ("a.yaml", policy("web", "ghcr.io/acme/a")),
        ("b.yaml", policy("web", "ghcr.io/acme/b")),
    )

    assert told == [
        "b.yaml:3:11: web: a.yaml:3 also has a policy of this name; give each its own name"
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ghcr.io/acme/web", "GHCR.io/acme/web"),
        ("localhost:5000/web", "[::1]:5000/web"),
        ("docker.io/nginx", "registry-1.docker.io/library/nginx"),
        ("registry.example/web", "registry.example:443/web"),
    ],
)
def test_a_repository_that_is_spelled_twice_is_told_with_both_spellings_and_places(
    one: str, other: str
) -> None:
    told = problems_of(("a.yaml", policy("web", one)), ("b.yaml", policy("all", other)))

    words = f"{other} is {one}, which belongs to policy web (a.yaml:4); remove it from one of them"
    assert told == [f"b.yaml:4:20: all: {words}"]


def test_patterns_that_spell_one_host_twice_are_told_with_both_spellings_and_places() -> None:
    policies = load_texts(
        [
            ("a.yaml", policy("web", "ghcr.io/acme/*")),
            ("b.yaml", policy("all", "GHCR.io:443/acme/w*")),
        ]
    )

    with pytest.raises(PolicyError) as caught:
        policies.policy_for(Repository("Ghcr.io/acme/web"))

    assert str(caught.value) == (
        "ghcr.io/acme/web is governed by two policies: "
        "web (a.yaml:3) and all (b.yaml:3, as GHCR.io:443/acme/w*)"
    )


def test_two_policies_that_name_one_repository_are_told_with_both_places() -> None:
    told = problems_of(
        ("a.yaml", policy("web", "ghcr.io/acme/a", "ghcr.io/acme/web")),
        ("b.yaml", policy("all", "ghcr.io/acme/web")),
    )

    (message,) = told
    assert message == (
        "b.yaml:4:20: all: ghcr.io/acme/web belongs to policy web (a.yaml:4);"
        " remove it from one of them"
    )


def test_a_clash_is_told_beside_the_problems_of_a_broken_file() -> None:
    told = problems_of(
        ("a.yaml", policy("web", "ghcr.io/acme/a")),
        ("b.yaml", policy("web", "ghcr.io/acme/b")),
        ("c.yaml", b"version: 2\n"),
    )

    assert [line.split(": ")[0] for line in told] == ["b.yaml:3:11", "c.yaml:1:10"]


def test_a_repository_that_one_policy_excepts_is_no_clash() -> None:
    excepting = policy("all", "ghcr.io/acme/web", more="    except: [ghcr.io/acme/w*]\n")

    loaded = load_texts([("a.yaml", policy("web", "ghcr.io/acme/web")), ("b.yaml", excepting)])

    governing = loaded.policy_for(Repository("ghcr.io/acme/web"))
    assert governing is not None
    assert governing.name == "web"


def test_patterns_that_meet_in_a_repository_are_told_with_both_places() -> None:
    loaded = load_texts(
        [
            ("a.yaml", policy("web", "ghcr.io/acme/web")),
            ("b.yaml", policy("all", "ghcr.io/acme/*")),
        ]
    )

    with pytest.raises(PolicyError) as caught:
        loaded.policy_for(Repository("ghcr.io/acme/web"))

    assert str(caught.value) == (
        "ghcr.io/acme/web is governed by two policies: web (a.yaml:3) and all (b.yaml:3)"
    )
    assert loaded.policy_for(Repository("ghcr.io/other/web")) is None


def test_the_place_of_each_rule_and_protection_is_known() -> None:
    protecting = GOOD + b"    protect: [{name: moving, match: {tags: [latest]}}]\n"

    origins = load_text("web.yaml", protecting).origins

    assert {key: str(origin) for key, origin in origins.items()} == {
        ("web", ""): "web.yaml:3",
        ("web", "builds"): "web.yaml:6",
        ("web", "moving"): "web.yaml:7",
    }


def test_tests_of_policies_are_not_policies() -> None:
    names = ["a.yaml", "a.yml", "a.test.yaml", "a.test.yml", "a.json"]

    assert [name for name in names if is_policy_file(name)] == ["a.yaml", "a.yml"]
