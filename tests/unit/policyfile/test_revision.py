"""Policies of a git revision: the same paths, read from history, and nothing else of it."""

import subprocess
from pathlib import Path

import pytest

from reconciler.errors import PolicyError
from reconciler.policyfile import Revision, load_policies, load_revision

WEB = """\
version: 1
policies:
  - name: web
    repositories: ["ghcr.io/acme/web"]
    rules:
      - {name: builds, match: {tags: ["sha-*"]}, keep: {last: 20}}
"""
API = WEB.replace("web", "api")


class Clone:
    """A git work tree with policies, whose commits have a name each."""

    def __init__(self, folder: Path) -> None:
        """Begin an empty history."""
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git as somebody who has no settings of their own."""
        done = subprocess.run(
            ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *arguments],
            cwd=self.folder,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        """Write one file of the work tree."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, tag: str) -> str:
        """Commit everything, under a tag; return its id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Make a work tree with one policy at the tag `old`, and stand in it."""
    made = Clone(tmp_path / "clone")
    made.write("policies/web.yaml", WEB)
    made.commit("old")
    monkeypatch.chdir(made.folder)
    return made


def names(revision: Revision) -> list[str]:
    """Name the policies of a revision."""
    return [policy.name for policy in revision.policies.policies]


def refusal(reference: str) -> PolicyError:
    """Return why a revision cannot be read."""
    with pytest.raises(PolicyError) as caught:
        load_revision([Path("policies")], reference)
    return caught.value


def test_the_policies_of_a_tag_are_those_that_were_committed_then(clone: Clone) -> None:
    now = clone.commit("unchanged")
    clone.write("policies/web.yaml", WEB.replace("20", "5"))
    clone.write("policies/api.yaml", API)

    revision = load_revision([Path("policies")], "HEAD")

    assert revision.commit == now
    assert names(revision) == ["web"]
    assert revision.policies.policies[0].rules[0].keep.last == 20


def test_sources_are_named_as_those_of_the_work_tree(clone: Clone) -> None:
    then, now = load_revision([Path("policies")], "old"), load_policies([Path("policies")])

    assert then.policies.sources == now.sources
    assert then.policies.origins == now.origins


def test_one_file_of_several_is_read_alone(clone: Clone) -> None:
    clone.write("policies/api.yaml", API)
    clone.commit("both")

    assert names(load_revision([Path("policies/api.yaml")], "both")) == ["api"]


def test_a_file_named_twice_is_read_once(clone: Clone) -> None:
    assert names(load_revision([Path("policies"), Path("policies/web.yaml")], "old")) == ["web"]


def test_paths_count_from_where_one_stands(clone: Clone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone.folder / "policies")

    assert names(load_revision([Path()], "old")) == ["web"]
    assert names(load_revision([Path("web.yaml")], "old")) == ["web"]
    assert names(load_revision([clone.folder], "old")) == ["web"]


def test_what_the_revision_lacks_is_no_policy(clone: Clone) -> None:
    clone.write("more/api.yaml", API)

    assert names(load_revision([Path("more")], "old")) == []
    assert names(load_revision([Path("more/api.yaml"), Path("policies")], "old")) == ["web"]


def test_tests_and_hidden_files_are_passed_over(clone: Clone) -> None:
    clone.write("policies/web.test.yaml", "nonsense: [")
    clone.write("policies/.hidden/api.yaml", API)
    clone.write("policies/notes.txt", "nothing")
    clone.commit("more")

    assert names(load_revision([Path("policies")], "more")) == ["web"]


def test_a_path_that_looks_like_a_pattern_is_taken_as_it_is(clone: Clone) -> None:
    clone.write("[p]*/:(top)api.yaml", API)
    clone.commit("odd")

    assert names(load_revision([Path("[p]*")], "odd")) == ["api"]
    assert names(load_revision([Path("[p]*/:(top)api.yaml")], "odd")) == ["api"]


def test_broken_policies_of_the_past_are_problems_and_no_policies(clone: Clone) -> None:
    clone.write("policies/web.yaml", WEB.replace("keep:", "kept:"))
    clone.commit("broken")

    revision = load_revision([Path("policies")], "broken")

    assert names(revision) == []
    assert str(revision.problems[0]).startswith("policies/web.yaml:6:")


def test_a_link_of_the_past_is_not_followed(clone: Clone) -> None:
    (clone.folder / "policies/secret.yaml").symlink_to("/etc/hostname")
    clone.commit("link")

    (problem,) = load_revision([Path("policies")], "link").problems

    assert str(problem) == (
        "policies/secret.yaml: this is a symbolic link in that revision,"
        " and such links are not followed"
    )


def test_a_huge_file_of_the_past_is_not_read(clone: Clone) -> None:
    clone.write("policies/huge.yaml", "#" * (1024 * 1024 + 1))
    clone.commit("huge")

    (problem,) = load_revision([Path("policies")], "huge").problems

    assert "the file is larger than 1048576 bytes in that revision" in str(problem)


@pytest.mark.parametrize(
    "reference",
    ["--upload-pack=touch x", "-h", "--all", "", "a b", "old\nmain", "old\0", "x" * 251, "\x1b[2J"],
)
def test_what_is_no_name_of_a_revision_never_reaches_git(clone: Clone, reference: str) -> None:
    error = refusal(reference)

    assert "is not a revision" in str(error)
    assert "\x1b" not in str(error)


@pytest.mark.parametrize("reference", ["missing", "old..main", "old:policies", "HEAD~5", "@{-3}"])
def test_a_revision_that_git_does_not_know_is_named_with_the_cure(
    clone: Clone, reference: str
) -> None:
    error = refusal(reference)

    assert f"git has no revision {reference}" in str(error)
    assert "a branch, a tag or a commit that this clone has" in error.hint


def test_a_branch_that_only_the_remote_has_is_offered(clone: Clone) -> None:
    clone.git("update-ref", "refs/remotes/origin/release", "HEAD")

    assert refusal("release").hint.startswith("Write origin/release")


def test_a_shallow_clone_says_what_to_set(
    clone: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone.commit("new")
    clone.git("clone", "--quiet", "--depth=1", clone.folder.as_uri(), str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")

    error = refusal("HEAD~1")

    assert "`fetch-depth: 0`" in error.hint
    assert "`git fetch --unshallow origin`" in error.hint


def test_outside_of_a_clone_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    error = refusal("main")

    assert "this is not inside a git clone" in str(error)
    assert "Run it in the clone that contains the policies." in error.hint


def test_a_path_in_another_clone_is_refused(clone: Clone, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="this is outside of the clone"):
        load_revision([tmp_path / "elsewhere"], "old")


def test_nothing_of_the_clone_is_changed(clone: Clone) -> None:
    clone.write("policies/web.yaml", WEB.replace("20", "5"))
    before = clone.git("status", "--porcelain=v2", "--branch")

    load_revision([Path("policies")], "old")

    assert clone.git("status", "--porcelain=v2", "--branch") == before
    assert "last: 5" in (clone.folder / "policies/web.yaml").read_text()
