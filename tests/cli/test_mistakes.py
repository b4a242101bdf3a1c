"""Typical mistakes: somebody who reads only the message knows what happened, where, and what to do.

Run it with `-s` to read every message.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.names import Repository
from reconciler.model.ports import Holder
from reconciler.sandbox.accounts import CLASSIC, Account
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from reconciler.state.local import LocalState
from tests.support.cli_harness import PACKAGE, CliHarness
from tests.support.loopback import free_port

READS = "ghp_reads"
FINE_GRAINED = "github_pat_1"
EXPIRED = "ghp_expired"
PLAN = "plan.json"
NO_SERVER = f"127.0.0.1:{free_port()}"
HOLDER = Holder("run-1", "kim", "laptop", utc_now())

Prepare = Callable[[CliHarness], Any]


def rules(text: str) -> Prepare:
    """Write a policy with these lines as its rules."""
    return policy(
        "version: 1\npolicies:\n  - name: web\n    repositories: [ghcr.io/acme/web]\n"
        f"    rules:\n{text}\n"
    )


def policy(text: str) -> Prepare:
    """Write a policy file."""
    return lambda web: web.reconciler.write_policy(text)


def planned(*options: str) -> Prepare:
    """Save a plan."""

    def save(web: CliHarness) -> None:
        assert web.reconciler("plan", "--out", PLAN, *options).code == 0

    return save


def expired(web: CliHarness) -> None:
    """Save a plan, and wait until it has expired."""
    planned("--expires", "1s")(web)
    time.sleep(1.1)


def edited(web: CliHarness) -> None:
    """Save a plan, and change a number in it."""
    planned()(web)
    path = web.folder / PLAN
    path.write_text(path.read_text().replace('"pr-7"', '"pr-6"', 1))


def elsewhere(web: CliHarness) -> None:
    """Save a plan, and then govern another registry."""
    planned()(web)
    text = (web.folder / "policies" / "policy.yaml").read_text()
    web.reconciler.write_policy(text.replace(web.sandbox.host, "registry.acme.example"))


def no_policies(web: CliHarness) -> None:
    """Be in a folder without policies."""
    (web.folder / "policies" / "policy.yaml").unlink()
    (web.folder / "policies").rmdir()


def text_file(web: CliHarness) -> None:
    """Write a file that is no plan."""
    (web.folder / PLAN).write_text("{}\n")


@dataclass(frozen=True)
class Mistake:
    """One command line that fails. Shape: texts have `{host}` for the address of the registry."""

    name: str
    command: str
    code: int
    happened: str
    """What happened, and where."""

    to_do: str
    """What to do next."""

    prepare: Prepare = field(default=lambda _: None)
    variables: Mapping[str, str] = field(default_factory=dict)
    locked: bool = False


MISTAKES = (
    # Names of repositories.
    Mistake(
        "no host",
        "diagnose acme/web",
        64,
        "'acme/web' has no host of a registry",
        "Did you mean ghcr.io/acme/web, or docker.io/acme/web?",
    ),
    Mistake(
        "address of a page",
        "usage https://github.com/acme/web/pkgs/container/web",
        64,
        "is the address of a page",
        "Did you mean ghcr.io/acme/web?",
    ),
    Mistake(
        "short name",
        "verify nginx",
        64,
        "'nginx' has no host of a registry",
        "Did you mean docker.io/library/nginx?",
    ),
    Mistake(
        "capital letters",
        "diagnose ghcr.io/Acme/Web",
        64,
        "has capital letters",
        "Did you mean ghcr.io/acme/web?",
    ),
    Mistake(
        "image and not repository",
        "diagnose {host}/acme/web:latest",
        64,
        "names one image, and not a repository",
        "Did you mean {host}/acme/web?",
    ),
    Mistake(
        "misspelt package",
        "diagnose {host}/acme/wbe",
        77,
        "answered 404",
        "Did you mean {host}/acme/web?",
    ),
    Mistake(
        "pattern of nothing",
        "usage {host}/acme/wbe*",
        64,
        "{host}/acme/wbe* matches no repository",
        "Did you mean {host}/acme/web?",
    ),
    Mistake(
        "no repository",
        "usage",
        64,
        "only in a clone of github.com can it be left out",
        "name a repository, such as ghcr.io/acme/web",
    ),
    Mistake(
        "no host in a policy",
        "plan",
        78,
        "a policy names a repository that has no host of a registry: acme/web",
        "Did you mean ghcr.io/acme/web",
        prepare=policy(
            "version: 1\npolicies:\n  - name: web\n    repositories: [acme/web]\n"
            "    rules: [{name: all, match: {any: true}, keep: {all: true}}]\n"
        ),
    ),
    Mistake(
        "misspelt tag",
        "explain {host}/acme/web:latets",
        64,
        "is not among the",
        "Did you mean latest?",
    ),
    # Tokens.
    Mistake(
        "no token",
        "plan",
        77,
        "the request used no token",
        "Set GITHUB_TOKEN to",
        variables={"GITHUB_TOKEN": "", "GH_TOKEN": ""},
    ),
    Mistake(
        "unknown or expired token",
        "plan",
        77,
        "answered 401",
        "it is expired, revoked or mistyped. Use a classic personal token",
        variables={"GITHUB_TOKEN": EXPIRED},
    ),
    Mistake(
        "token without the scope",
        "apply --yes",
        77,
        "the token may read, but not delete",
        "Give the classic personal token delete:packages",
        variables={"GITHUB_TOKEN": READS},
    ),
    Mistake(
        "fine-grained token",
        "plan",
        77,
        "the request used a fine-grained",
        "GitHub Packages does not support fine-grained tokens: use a classic personal token",
        variables={"GITHUB_TOKEN": FINE_GRAINED},
    ),
    # Files and folders.
    Mistake(
        "missing policy file",
        "plan nosuch.yaml",
        78,
        "nosuch.yaml: there is no such file or directory",
        "Name existing policy files",
    ),
    Mistake(
        "wrong folder",
        "plan",
        78,
        "policies: there is no such file or directory",
        "create policies/ with `reconciler init`",
        prepare=no_policies,
    ),
    Mistake(
        "tab",
        "validate",
        78,
        "policies/policy.yaml:6:",
        "lines are indented with spaces, never with tabs",
        prepare=rules("\t- {name: a, match: {any: true}, keep: {last: 1}}"),
    ),
    Mistake(
        "repeated key",
        "validate",
        78,
        "policies/policy.yaml:7:9",
        "the key 'name' is already in line 6; remove one",
        prepare=rules(
            "      - name: a\n        name: b\n        match: {any: true}\n        keep: {last: 1}"
        ),
    ),
    Mistake(
        "misspelt key",
        "validate",
        78,
        "unknown key 'wihtin'",
        "did you mean 'within'?",
        prepare=rules("      - {name: a, match: {any: true}, keep: {wihtin: 3d}}"),
    ),
    Mistake(
        "unknown unit",
        "validate",
        78,
        "policies/policy.yaml:6:54: web/a: keep.within: unit 'fortnights'",
        "use h, d or w",
        prepare=rules("      - {name: a, match: {any: true}, keep: {within: 3 fortnights}}"),
    ),
    Mistake(
        "age without a unit",
        "validate",
        78,
        "policies/policy.yaml:6:54: web/a: keep.within: 'within' lacks its unit",
        "write 30h, 30d or 30w",
        prepare=rules("      - {name: a, match: {any: true}, keep: {within: 30}}"),
    ),
    # Saved plans.
    Mistake(
        "no such plan",
        "show nosuch.json",
        4,
        "nosuch.json: No such file or directory",
        "Name a file saved with --out",
    ),
    Mistake(
        "not a plan",
        "apply plan.json --yes",
        4,
        "plan.json:",
        "Run `reconciler plan` again",
        prepare=text_file,
    ),
    Mistake(
        "expired plan",
        "apply plan.json --yes",
        4,
        "expired",
        "Run `reconciler plan` again",
        prepare=expired,
    ),
    Mistake(
        "edited plan",
        "apply plan.json --yes",
        4,
        "the plan was altered",
        "Run `reconciler plan` again",
        prepare=edited,
    ),
    Mistake(
        "plan of another registry",
        "apply plan.json --yes",
        4,
        "nor any other repository of the plan",
        "Give --policies the files that it was made from",
        prepare=elsewhere,
    ),
    Mistake(
        "only what is not governed",
        "apply --yes --only {host}/acme/zzz",
        64,
        "Invalid value for --only: {host}/acme/zzz is a repository of no policy",
        "did you mean {host}/acme/web?",
    ),
    Mistake("no terminal", "apply", 64, "not a terminal", "add --yes to confirm"),
    # State.
    Mistake(
        "nothing to undo",
        "undo --last --yes",
        4,
        "no run has deleted anything",
        "There is nothing to undo",
    ),
    Mistake("unknown run", "undo 01ABC --yes", 4, "01ABC", "`reconciler log list` lists the runs"),
    Mistake(
        "locked",
        "apply --yes",
        5,
        "run run-1 (kim on laptop",
        "see `reconciler lock break --help`",
        locked=True,
    ),
    Mistake(
        "state that is a file",
        "plan --state policies/policy.yaml",
        8,
        "policies/policy.yaml",
        "directory",
    ),
    # Settings and options.
    Mistake(
        "misspelt variable",
        "plan",
        78,
        "RECONCILER_STAET is not a variable",
        "Did you mean RECONCILER_STATE?",
        variables={"RECONCILER_STAET": "/srv/state"},
    ),
    Mistake(
        "broken JSON",
        "plan",
        78,
        "RECONCILER_REGISTRIES: ",
        "Write JSON such as",
        variables={"RECONCILER_REGISTRIES": "{kind: ghcr}"},
    ),
    Mistake("misspelt command", "plna", 64, "No such command 'plna'", "Did you mean 'plan'?"),
    Mistake("misspelt option", "plan --outt plan.json", 64, "No such option: --outt", "--out"),
    Mistake(
        "duration without a unit",
        "apply --time-budget 50 --yes",
        64,
        "'50' is not a duration",
        "such as 50m",
    ),
    Mistake("malformed limit", "plan --allow 500", 64, "'500' is not", "GUARD:REPOSITORY=LIMIT"),
    Mistake("misspelt revision", "plan --against mian", 78, "git", "clone"),
    Mistake(
        "port in use",
        "sandbox --port {port}",
        78,
        "port {port} on this machine",
        "Name another --port",
    ),
    # Network.
    Mistake(
        "nobody answers",
        "verify {nowhere}/acme/web",
        6,
        "Connection refused",
        "Check the name of the host, the network, and HTTPS_PROXY",
    ),
)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Serve one package, to tokens of several kinds."""
    package = StoredPackage.of(PACKAGE, utc_now() - timedelta(days=60))
    for number, tag in enumerate(("latest", "pr-7", "pr-8")):
        package.push(image(tag), tag, at=utc_now() - timedelta(days=40 - number))
    accounts = (
        CLASSIC,
        Account.of(READS, scopes=["read:packages"]),
        Account.of(FINE_GRAINED),
    )
    settings = SandboxSettings(limits=UNLIMITED, accounts=accounts)
    with Sandbox(settings, [package]).serve() as served:
        yield served


@pytest.fixture
def web(sandbox: Sandbox, tmp_path: Path) -> CliHarness:
    """Be in a folder with a policy for the package."""
    return CliHarness(sandbox, tmp_path)


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name.replace(" ", "-"))
def test_the_message_of_a_mistake_is_enough_to_go_on(web: CliHarness, mistake: Mistake) -> None:
    known = {
        "host": web.sandbox.host,
        "port": web.sandbox.host.rpartition(":")[2],
        "nowhere": NO_SERVER,
    }
    mistake.prepare(web)
    repository = Repository(f"{web.sandbox.host}/{PACKAGE}")
    state = LocalState(web.folder / ".reconciler").of(repository)
    with state.lock(HOLDER) if mistake.locked else nullcontext():
        arguments = mistake.command.format_map(known).split()
        ended = web.reconciler(*arguments, more=mistake.variables)

    print(f"\n$ reconciler {' '.join(arguments)}\n{ended.stdout}{ended.stderr}-> {ended.code}")  # noqa: T201
    text = " ".join(f"{ended.stdout} {ended.stderr}".split())
    assert ended.code == mistake.code
    assert mistake.happened.format_map(known) in text
    assert mistake.to_do.format_map(known) in text
    assert "Traceback" not in text
    assert json.dumps(EXPIRED)[1:-1] not in text


def test_there_are_thirty_of_them() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 30
