"""Every kind of token at the command line: the right result, or advice that ends the search.

Advice names the call that was refused, with what kind of token, and what to change. The token
itself is in nothing that a run writes.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.sandbox.accounts import Account
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.faults import Fault, Revoke
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from tests.support.cli import Ended
from tests.support.sandbox_commands import ProcessCommands, policy_file

CLASSIC = "ghp_classic0everything"
WORKFLOW = "ghs_workflow0admin"
READER = {"acme/*": "read"}
ACCOUNTS = (
    Account.of(CLASSIC),
    Account.of("ghp_classic0reading", login="reader", scopes={"read:packages"}),
    Account.of("ghp_classic0scopeless", login="scopeless", scopes=set()),
    Account.of("ghp_classic0guest", login="guest", roles=READER),
    Account.of("ghp_classic0stranger", login="stranger", roles={}),
    Account.of("ghp_classic0partly", login="partly", roles={"acme/web": "admin", **READER}),
    Account.of(WORKFLOW, login="github-actions[bot]"),
    Account.of("ghs_workflow0reader", login="github-actions[bot]", roles=READER),
    Account.of("ghs_workflow0stranger", login="github-actions[bot]", roles={}),
    Account.of("github_pat_fine0grained", login="fine"),
)
POLICY: Mapping[str, object] = {
    "rules": [{"name": "dangling", "match": {"untagged": True}, "keep": {"none": True}}],
    "guards": {"max_delete_percent": 100},
}
DELETED = "Apply: 1 deleted, 0 already absent, 0 skipped, 0 retained, 0 failed, 0 unknown."

CLASSIC_KIND = "the request used a classic personal token (ghp_)"
WORKFLOW_KIND = "the request used a workflow or app token (ghs_)"
LISTING = "/orgs/acme/packages answered"


class Desk:
    """A sandbox, and the command line before it with one token."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        """Begin without a token in an empty folder."""
        self.sandbox = sandbox
        self.folder = folder

    def run(self, token: str, *arguments: str, repositories: str | list[str] = "acme/web") -> Ended:
        """Run a command, its requests logged, under one policy for some repositories."""
        reconciler = ProcessCommands.at(self.sandbox, self.folder, token).reconciler
        named = [repositories] if isinstance(repositories, str) else repositories
        reconciler.write_policy(policy_file(self.sandbox.host, named, POLICY))
        return reconciler(*arguments, "--verbose")

    def deletions(self) -> int:
        """Count the deletions that were sent."""
        return sum(seen.method == "DELETE" for seen in self.sandbox.requests)

    def leaks(self, token: str) -> list[Path]:
        """Return the files that hold a token: plans, journals, caches."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in files if token and token.encode() in path.read_bytes()]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Serve two private packages, each with one image to keep and one to delete."""
    now = utc_now()
    packages = [
        StoredPackage.of(path, now - timedelta(days=50)) for path in ("acme/web", "acme/api")
    ]
    for package in packages:
        package.push(image("kept"), "latest", at=now - timedelta(days=40))
        package.push(image("old"), at=now - timedelta(days=41))
    settings = SandboxSettings(accounts=ACCOUNTS, limits=UNLIMITED)
    with Sandbox(settings, packages).serve() as sandbox:
        yield Desk(sandbox, tmp_path)


@pytest.mark.parametrize("token", [CLASSIC, WORKFLOW])
def test_a_token_with_all_rights_plans_and_applies(desk: Desk, token: str) -> None:
    planned = desk.run(token, "plan", "--out", "plan.json")
    applied = desk.run(token, "apply", "plan.json", "--yes")

    assert (planned.code, applied.code) == (0, 0)
    assert applied.last_line == DELETED
    assert desk.leaks(token) == []
    assert token not in planned.stdout + planned.stderr + applied.stdout + applied.stderr


def test_a_classic_token_finds_the_packages_of_a_pattern(desk: Desk) -> None:
    applied = desk.run(CLASSIC, "apply", "--yes", repositories="acme/*")

    assert applied.code == 0
    assert "Apply: 2 deleted" in applied.last_line


@pytest.mark.parametrize(
    ("token", "call", "advice"),
    [
        (
            "",
            "/packages/container/web",
            "Set GITHUB_TOKEN to a classic personal token with read:packages",
        ),
        ("ghp_nobody0knows", "/users/acme", "it is expired, revoked or mistyped"),
        ("ghs_nobody0knows", "/users/acme", "it is expired, revoked or mistyped"),
        ("github_pat_fine0grained", "/packages/container/web", "does not support fine-grained"),
        ("ghp_classic0scopeless", "/packages/container/web", "The token lacks read:packages."),
        ("ghp_classic0stranger", "/packages/container/web", "needs the role read on the package"),
        ("ghs_workflow0stranger", "/packages/container/web", "the role Read on the package"),
    ],
)
def test_who_may_not_read_is_told_what_is_missing(
    desk: Desk, token: str, call: str, advice: str
) -> None:
    planned = desk.run(token, "plan", "--out", "plan.json")
    applied = desk.run(token, "apply", "--yes")

    assert (planned.code, applied.code) == (77, 77)
    for ended in (planned, applied):
        told = " ".join(ended.stdout.split())
        assert call in told
        assert advice in told
        assert not token or token not in ended.stdout + ended.stderr
    assert planned.last_line == "Plan: 0 to delete, 0 protected, 0 to keep, 1 incomplete."
    assert desk.deletions() == 0
    assert desk.leaks(token) == []


@pytest.mark.parametrize(
    ("token", "kind", "advice"),
    [
        ("ghp_classic0reading", "", "Give the classic personal token delete:packages."),
        ("ghp_classic0guest", CLASSIC_KIND, "Its owner needs the role admin on the package."),
        (
            "ghs_workflow0reader",
            WORKFLOW_KIND,
            "the role Admin on the package: package settings, Manage Actions access.",
        ),
    ],
)
def test_who_may_read_and_not_delete_is_told_so_before_anything_is_deleted(
    desk: Desk, token: str, kind: str, advice: str
) -> None:
    planned = desk.run(token, "plan", "--out", "plan.json")
    applied = desk.run(token, "apply", "plan.json", "--yes")

    told = " ".join(applied.stdout.split())
    assert (planned.code, applied.code) == (0, 77)
    assert kind in told
    assert advice in told
    assert desk.deletions() == 0
    assert token not in planned.stdout + planned.stderr + applied.stdout + applied.stderr
    assert desk.leaks(token) == []


@pytest.mark.parametrize(
    ("token", "kind", "advice"),
    [
        (WORKFLOW, WORKFLOW_KIND, "name them in the policy, without wildcards"),
        ("ghp_classic0scopeless", CLASSIC_KIND, "The token lacks read:packages."),
        ("github_pat_fine0grained", "fine-grained", "use a classic personal token"),
    ],
)
def test_who_may_not_list_packages_is_told_to_name_them(
    desk: Desk, token: str, kind: str, advice: str
) -> None:
    planned = desk.run(token, "plan", repositories="acme/*")

    told = " ".join(planned.stderr.split())
    assert planned.code == 77
    assert LISTING in told
    assert kind in told
    assert advice in told
    assert token not in planned.stdout + planned.stderr


def test_a_pattern_that_cannot_be_listed_does_not_hold_back_what_is_named(desk: Desk) -> None:
    applied = desk.run(WORKFLOW, "apply", "--yes", repositories=["acme/web", "acme/*"])
    planned = desk.run(WORKFLOW, "plan", "--out", "plan.json", repositories=["acme/web", "acme/*"])
    refused = desk.run(WORKFLOW, "apply", "plan.json", "--yes")

    assert (applied.code, planned.code, refused.code) == (77, 77, 4)
    assert applied.last_line == DELETED
    assert planned.last_line.endswith("1 incomplete.")
    told = " ".join(planned.stdout.split())
    assert f"? {desk.sandbox.host}/acme/* (policy web) is incomplete" in told
    assert "name them in the policy, without wildcards" in told


def test_a_right_that_one_package_lacks_does_not_hold_back_the_others(desk: Desk) -> None:
    applied = desk.run("ghp_classic0partly", "apply", "--yes", repositories="acme/*")

    assert applied.code == 77
    assert applied.last_line == DELETED
    assert "acme/api" in applied.stdout
    assert "Its owner needs the role admin on the package." in " ".join(applied.stdout.split())


def test_a_token_that_is_revoked_after_the_plan_ends_the_apply(desk: Desk) -> None:
    desk.run(CLASSIC, "plan", "--out", "plan.json")
    desk.sandbox.perform(Revoke(login="octocat"))

    applied = desk.run(CLASSIC, "apply", "plan.json", "--yes")

    assert applied.code == 77
    assert "it is expired, revoked or mistyped" in " ".join(applied.stdout.split())
    assert desk.deletions() == 0


def test_a_token_that_is_revoked_between_two_deletions_is_in_no_log(desk: Desk) -> None:
    desk.sandbox.add_faults(Fault(method="DELETE", after=(Revoke(login="octocat"),)))

    applied = desk.run(CLASSIC, "apply", "--yes", repositories="acme/*")

    assert applied.code == 77
    assert applied.last_line == DELETED
    assert CLASSIC not in applied.stdout + applied.stderr
    assert desk.leaks(CLASSIC) == []
