"""GitHub's registry kind against the sandbox, over real HTTP; time passes only by waiting."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.engine.observe import observe
from reconciler.errors import AccessError, EvidenceError, UnreachableError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository
from reconciler.model.patterns import RepositoryGlob
from reconciler.model.ports import DeletionResult
from reconciler.providers.ghcr.registry import GhcrRegistry
from reconciler.sandbox.accounts import Account
from reconciler.sandbox.artifacts import image
from reconciler.sandbox.faults import (
    Answer,
    Delete,
    ExpireTokens,
    Fault,
    Operation,
    Push,
    Retag,
    Revoke,
)
from reconciler.sandbox.generate import Build, builds, push_build
from reconciler.sandbox.package import Owner, StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import STRICTER, Lag, Limits, SandboxSettings
from tests.support.ghcr import CLASSIC, ghcr_at
from tests.support.time import NOON, VirtualTime

DAY = timedelta(days=1)
WORKFLOW = "ghs_sandbox"
VERSIONS = r"/versions\?state=active"
SECONDARY = '{"message": "You have exceeded a secondary rate limit."}'

Serve = Callable[..., "Served"]


class Served:
    """A sandbox, its time, and clients of it."""

    def __init__(self, sandbox: Sandbox, time: VirtualTime, running: ExitStack) -> None:
        """Keep both, and the stack that closes clients in the end."""
        self.sandbox = sandbox
        self.time = time
        self._running = running

    def client(self, token: str = CLASSIC, cache: Path | None = None) -> GhcrRegistry:
        """Open a client with a token."""
        client = ghcr_at(self.sandbox.url, token, time=self.time, cache=cache)
        self._running.callback(client.close)
        return client

    def repository(self, path: str = "acme/web") -> Repository:
        """Name a package of the sandbox."""
        return Repository(f"{self.sandbox.host}/{path}")

    def version(self, tag: str, path: str = "acme/web") -> Version:
        """Name the version behind a tag, as a client knows it."""
        version = self.sandbox.package(path).tags[tag]
        return Version(Digest(version.digest), id=str(version.id))

    def calls(self, part: str) -> int:
        """Count the calls whose path holds a part."""
        return sum(part in seen.target for seen in self.sandbox.requests)


def small_package(name: str = "acme/web", *, lone: int = 0) -> StoredPackage:
    """Return a private package of two builds that share `main`, and so many lone images."""
    package = StoredPackage.of(name, NOON - 60 * DAY)
    for number in range(lone):
        package.push(image(f"lone {number}"), at=NOON - 50 * DAY + timedelta(minutes=number))
    push_build(package, Build("c0", "1", NOON - 10 * DAY, ("main", "sha-0")))
    push_build(package, Build("c1", "2", NOON - 5 * DAY, ("main", "sha-1")))
    return package


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve sandboxes until the end of the test."""
    with ExitStack() as stack:

        def start(*packages: StoredPackage, **settings: Any) -> Served:
            time = VirtualTime()
            chosen = SandboxSettings(**{"now": lambda: time.now, **settings})
            sandbox = Sandbox(chosen, packages or (small_package(),))
            return Served(stack.enter_context(sandbox.serve()), time, stack)

        yield start


@pytest.mark.parametrize("token", [CLASSIC, WORKFLOW])
def test_a_listing_shows_every_version_with_its_tags_and_its_time(serve: Serve, token: str) -> None:
    served = serve(small_package(lone=250))

    listing = served.client(token).listing(served.repository())

    package = served.sandbox.package("acme/web")
    assert {(v.id, v.digest, v.tags, v.pushed) for v in listing.versions} == {
        (str(v.id), v.digest, tuple(sorted(v.tags)), v.created_at) for v in package.live
    }
    assert (listing.closed, listing.pages) == (True, 3)
    assert listing.watermark == str(max(v.id for v in package.live))


def test_a_package_whose_name_has_slashes_is_read_and_changed(serve: Serve) -> None:
    served = serve(small_package("acme/grype-db/data/nvd"))
    client, repository = served.client(), served.repository("acme/grype-db/data/nvd")

    listing = client.listing(repository)
    found = client.documents.manifests(repository, [version.digest for version in listing.versions])
    deletion = client.delete(repository, served.version("sha-0", "acme/grype-db/data/nvd"))

    assert all(found.values())
    assert deletion.result is DeletionResult.DELETED
    assert served.calls("grype-db%2Fdata%2Fnvd/versions") > 0


def test_an_owner_in_capitals_is_the_same_owner(serve: Serve) -> None:
    package = StoredPackage(Owner("AcMe"), "web", NOON - 9 * DAY)
    push_build(package, Build("c0", "1", NOON - DAY, ("main",)))
    served = serve(package)
    client = served.client()

    repositories = client.repositories(RepositoryGlob(f"{served.sandbox.host}/acme/*"))
    listing = client.listing(repositories[0])
    found = client.documents.manifests(repositories[0], [v.digest for v in listing.versions])

    assert repositories == [served.repository("acme/web")]
    assert all(found.values())


def test_the_packages_of_the_tokens_own_user_are_found(serve: Serve) -> None:
    package = StoredPackage(Owner("octocat", "User"), "web", NOON - 9 * DAY)
    push_build(package, Build("c0", "1", NOON - DAY, ("main",)))
    served = serve(package)

    listing = served.client().listing(served.repository("octocat/web"))

    assert listing.versions
    assert served.calls("/user/packages/container/web/versions") > 0


ACCOUNTS = (
    Account.of(CLASSIC),
    Account.of("ghp_reader", scopes={"read:packages"}),
    Account.of("ghp_scopeless", scopes=set()),
    Account.of("ghp_guest", roles={"acme/web": "read"}),
    Account.of("ghp_stranger", roles={}),
    Account.of(WORKFLOW, login="github-actions[bot]"),
    Account.of("ghs_reader", login="github-actions[bot]", roles={"acme/web": "read"}),
    Account.of("github_pat_fine"),
)


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        ("", "Set GITHUB_TOKEN to a classic personal token with read:packages"),
        ("ghp_unknown", "it is expired, revoked or mistyped"),
        ("github_pat_fine", "does not support fine-grained tokens"),
        ("ghp_scopeless", "The token lacks read:packages."),
        ("ghp_stranger", "Its owner needs the role read on the package."),
    ],
)
def test_who_may_not_read_is_told_what_is_missing(serve: Serve, token: str, hint: str) -> None:
    served = serve(accounts=ACCOUNTS)

    with pytest.raises(AccessError) as caught:
        served.client(token).listing(served.repository())

    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        ("ghp_reader", "Give the classic personal token delete:packages."),
        ("ghp_guest", "Its owner needs the role admin on the package."),
        ("ghs_reader", "the role Admin on the package: package settings, Manage Actions access."),
    ],
)
def test_who_may_read_and_not_delete_is_told_so_before_anything_is_deleted(
    serve: Serve, token: str, hint: str
) -> None:
    served = serve(accounts=ACCOUNTS)
    client = served.client(token)
    client.listing(served.repository())

    with pytest.raises(AccessError) as caught:
        client.check_deletion(served.repository())

    assert hint in caught.value.hint


@pytest.mark.parametrize("token", ["ghp_reader", "ghp_guest", "ghs_reader"])
def test_a_deletion_without_the_right_is_an_error_and_no_outcome(serve: Serve, token: str) -> None:
    served = serve(accounts=ACCOUNTS)

    with pytest.raises(AccessError):
        served.client(token).delete(served.repository(), served.version("sha-0"))

    assert "sha-0" in served.sandbox.package("acme/web").tags


@pytest.mark.parametrize("token", [CLASSIC, WORKFLOW])
def test_who_may_delete_passes_the_check(serve: Serve, token: str) -> None:
    served = serve(accounts=ACCOUNTS)

    served.client(token).check_deletion(served.repository())


def test_a_workflow_is_told_that_it_cannot_list_packages(serve: Serve) -> None:
    served = serve()

    with pytest.raises(AccessError, match="400 'Invalid argument.'") as caught:
        served.client(WORKFLOW).repositories(RepositoryGlob(f"{served.sandbox.host}/acme/*"))

    assert "name them in the policy, without wildcards" in caught.value.hint


def test_many_packages_are_listed_on_many_pages(serve: Serve) -> None:
    served = serve(*(StoredPackage.of(f"acme/p{number}", NOON - DAY) for number in range(230)))

    found = served.client().repositories(RepositoryGlob(f"{served.sandbox.host}/acme/p*"))

    assert len(found) == 230


@pytest.mark.parametrize("happening", ["push", "delete", "retag"])
def test_a_listing_that_changes_while_it_is_read_is_read_again(
    serve: Serve, happening: str
) -> None:
    served = serve(small_package(lone=350))
    package = served.sandbox.package("acme/web")
    oldest = min(package.live, key=lambda version: version.id)
    happenings: dict[str, Operation] = {
        "push": Push(package="acme/web", tags=("new",)),
        "delete": Delete(package="acme/web", reference="sha-1"),
        "retag": Retag(package="acme/web", tag="sha-1", to=oldest.digest),
    }
    served.sandbox.add_faults(Fault(path=f"{VERSIONS}.*page=3$", before=(happenings[happening],)))

    listing = served.client().listing(served.repository())

    assert {(v.id, v.tags) for v in listing.versions} == {
        (str(v.id), tuple(sorted(v.tags))) for v in package.live
    }


def test_a_listing_that_never_rests_is_no_evidence(serve: Serve) -> None:
    served = serve(small_package(lone=350))
    push = Push(package="acme/web")
    served.sandbox.add_faults(Fault(path=f"{VERSIONS}.*page=2$", before=(push,), times=None))

    with pytest.raises(EvidenceError, match="changed during each of 3 reads"):
        served.client().listing(served.repository())


@pytest.mark.parametrize(
    "fault",
    [
        Fault(path=VERSIONS, cut="drop"),
        Fault(path=VERSIONS, cut="truncate"),
        Fault(path=VERSIONS, answer=Answer(status=500, body="Server Error")),
        Fault(path=VERSIONS, answer=Answer(status=502)),
        Fault(path=VERSIONS, answer=Answer(status=429, headers={"retry-after": "9"})),
        Fault(path=VERSIONS, answer=Answer(status=403, body=SECONDARY)),
        Fault(path="/manifests/", answer=Answer(status=503)),
        Fault(path="/manifests/", cut="truncate"),
        Fault(path="/token", answer=Answer(status=429)),
        Fault(path="/manifests/", before=(ExpireTokens(),)),
    ],
    ids=lambda fault: f"{fault.path} {fault.cut or fault.answer or fault.before}"[:60],
)
def test_what_goes_wrong_once_is_asked_for_again(serve: Serve, fault: Fault) -> None:
    served = serve()
    served.sandbox.add_faults(fault)

    inventory = observe(served.client(), served.repository())

    assert len(inventory.versions) == len(served.sandbox.package("acme/web").live)


@pytest.mark.parametrize("status", [500, 502])
def test_a_page_that_never_comes_is_no_evidence(serve: Serve, status: int) -> None:
    served = serve(small_package(lone=250))
    broken = Fault(path=f"{VERSIONS}.*page=2$", answer=Answer(status=status), times=None)
    served.sandbox.add_faults(broken)

    with pytest.raises(UnreachableError, match=str(status)):
        served.client().listing(served.repository())


def test_a_token_that_is_revoked_on_the_way_ends_the_reading(serve: Serve) -> None:
    served = serve(small_package(lone=250))
    served.sandbox.add_faults(Fault(path=f"{VERSIONS}.*page=2$", before=(Revoke(login="octocat"),)))

    with pytest.raises(AccessError, match="401"):
        served.client().listing(served.repository())


def test_one_registry_token_serves_all_reads_until_it_ends(serve: Serve) -> None:
    served = serve(small_package(lone=40), token_seconds=300)
    client, repository = served.client(), served.repository()
    digests = [version.digest for version in client.listing(repository).versions]

    client.documents.manifests(repository, digests)
    first = served.calls("/token")
    served.time.pass_by(301)
    client.documents.manifests(repository, digests)

    assert (first, served.calls("/token")) == (1, 2)
    assert all(seen.status == 200 for seen in served.sandbox.requests if "/v2/" in seen.target)


def test_credentials_go_to_the_api_and_the_token_endpoint_and_a_token_to_the_registry(
    serve: Serve,
) -> None:
    served = serve()

    observe(served.client(), served.repository())

    assert all(seen.credential for seen in served.sandbox.requests)
    assert not [seen for seen in served.sandbox.requests if seen.status in (401, 403)]


def test_neither_the_list_of_tags_nor_the_referrers_are_ever_asked_for(serve: Serve) -> None:
    served = serve()
    client, repository = served.client(), served.repository()

    observe(client, repository)
    referrers = client.referrers(repository, [served.version("main").digest])

    assert referrers == {served.version("main").digest: ()}
    assert served.calls("/tags/list") == served.calls("/referrers/") == 0


def test_a_cold_run_costs_the_pages_and_little_more_than_a_document_for_each_image(
    serve: Serve, tmp_path: Path
) -> None:
    served = serve(builds(300, now=NOON))
    roots = 300

    inventory = observe(served.client(cache=tmp_path / "cache"), served.repository())

    pages = inventory.evidence.pages
    assert served.calls("/manifests/") <= 1.1 * roots
    assert len(served.sandbox.requests) <= pages + 1.1 * roots + 6


def test_a_warm_run_reads_the_pages_and_nothing_else(serve: Serve, tmp_path: Path) -> None:
    served = serve(builds(300, now=NOON))
    first = observe(served.client(cache=tmp_path / "cache"), served.repository())
    served.sandbox.forget_requests()

    second = observe(served.client(cache=tmp_path / "cache"), served.repository())

    assert served.calls("/v2/") == served.calls("/token") == 0
    assert second.versions == first.versions


def test_pages_that_did_not_change_cost_nothing_of_the_hour(serve: Serve) -> None:
    served = serve(small_package(lone=450))
    client = served.client()
    client.listing(served.repository())
    before = client.allowance.requests_left

    client.listing(served.repository())

    assert before
    after = client.allowance.requests_left
    assert after is not None
    assert before - after == 1  # the package itself


def test_the_newest_versions_cost_one_page(serve: Serve) -> None:
    served = serve(small_package(lone=450))
    client, repository = served.client(), served.repository()
    listing = client.listing(repository)
    served.sandbox.forget_requests()
    served.sandbox.perform(Push(package="acme/web", tags=("new",)))

    newest = client.newest(repository, listing.watermark)

    assert {tag for version in newest.versions for tag in version.tags} >= {"new", "main"}
    assert len(served.sandbox.requests) == 1
    assert not newest.closed


def test_a_version_is_looked_at_as_it_is_now(serve: Serve) -> None:
    served = serve(lag=Lag(time=timedelta(hours=1)))
    client, repository, version = served.client(), served.repository(), served.version("sha-0")
    served.sandbox.perform(Retag(package="acme/web", tag="moved", to="sha-0"))

    found = client.version(repository, version)
    served.sandbox.perform(Delete(package="acme/web", reference="sha-0"))
    gone = client.version(repository, version)

    assert found
    assert found.tags == ("moved", "sha-0")
    assert gone is None


def test_a_stale_list_still_shows_what_a_deletion_finds_gone(serve: Serve) -> None:
    served = serve(lag=Lag(time=timedelta(hours=1)))
    client, repository, version = served.client(), served.repository(), served.version("sha-0")

    first = client.delete(repository, version)
    shown = client.listing(repository)
    second = client.delete(repository, version)

    assert first.result is DeletionResult.DELETED
    assert version.id in {v.id for v in shown.versions}
    assert second.result is DeletionResult.ABSENT


def test_what_github_keeps_is_retained_with_its_words(serve: Serve) -> None:
    package = StoredPackage.of("acme/web", NOON - 9 * DAY)
    package.push(image("only"), "only", at=NOON - DAY)
    package.push(image("other"), at=NOON - DAY)
    served = serve(package)

    deletion = served.client().delete(served.repository(), served.version("only"))

    assert deletion.result is DeletionResult.RETAINED
    assert "last tagged version" in deletion.message


def test_a_lost_answer_to_a_deletion_is_lost_and_not_sent_again(serve: Serve) -> None:
    served = serve()
    client, repository, version = served.client(), served.repository(), served.version("sha-0")
    served.sandbox.add_faults(Fault(method="DELETE", cut="lost"))

    deletion = client.delete(repository, version)

    assert deletion.result is DeletionResult.LOST
    assert client.version(repository, version) is None
    assert sum(seen.method == "DELETE" for seen in served.sandbox.requests) == 1


def test_a_deleted_version_is_listed_and_comes_back_with_its_tags(serve: Serve) -> None:
    served = serve()
    client, repository, version = served.client(), served.repository(), served.version("sha-0")
    client.delete(repository, version)

    deleted = client.deleted(repository)
    restored = client.restore(repository, version)

    assert [(v.id, v.tags) for v in deleted] == [(version.id, ("sha-0",))]
    assert restored.done
    assert served.sandbox.package("acme/web").tags["sha-0"].id == int(version.id)


def test_what_is_deleted_for_too_long_does_not_come_back(serve: Serve) -> None:
    served = serve()
    client, repository, version = served.client(), served.repository(), served.version("sha-0")
    client.delete(repository, version)
    served.time.pass_by(31 * 24 * 3600)

    assert not client.restore(repository, version).done


def test_a_lost_answer_to_a_restoration_is_resolved_by_reading(serve: Serve) -> None:
    served = serve()
    client, repository, version = served.client(), served.repository(), served.version("sha-0")
    client.delete(repository, version)
    served.sandbox.add_faults(Fault(method="POST", cut="lost"))

    assert client.restore(repository, version).done


def test_the_clock_of_the_server_is_known_after_its_first_answer(serve: Serve) -> None:
    served = serve(date_skew=timedelta(minutes=7))
    client = served.client()

    before = client.server_time()
    client.listing(served.repository())

    assert before is None
    assert client.server_time() == NOON + timedelta(minutes=7)


@pytest.mark.parametrize(
    ("limits", "allowed", "tolerated"),
    [(Limits(), 180, 0), (STRICTER.model_copy(update={"content_per_hour": None}), 80, 5)],
    ids=["published", "stricter"],
)
def test_deletions_keep_to_the_limits_of_the_server_and_are_all_done(
    serve: Serve, limits: Limits, allowed: int, tolerated: int
) -> None:
    package = small_package(lone=400)
    served = serve(package, limits=limits)
    client, repository = served.client(), served.repository()
    lone = [v for v in client.listing(repository).versions if not v.tags][:300]
    began = served.time.seconds

    refused = sum(refusals_of(client, repository, version) for version in lone)

    # Between 300 deletions there are 299 waits. Time is simulated; only its sums are rounded.
    pace = round(299 / ((served.time.seconds - began) / 60), 6)
    assert 0.6 * allowed <= pace <= allowed
    assert refused <= tolerated
    assert not {v.id for v in lone} & {v.id for v in client.listing(repository).versions}


def refusals_of(client: GhcrRegistry, repository: Repository, version: Version) -> int:
    """Delete a version, each time after the wait; return how often a limit refused it."""
    refusals = 0
    client.pace(repository, 1)
    while (result := client.delete(repository, version).result) is not DeletionResult.DELETED:
        assert result is DeletionResult.REFUSED
        refusals += 1
        client.pace(repository, 1)
    return refusals


def test_a_used_up_hour_is_waited_out_and_told(serve: Serve) -> None:
    served = serve(accounts=(Account.of(CLASSIC, hourly=10),))
    client, repository, version = served.client(), served.repository(), served.version("sha-0")

    for _ in range(12):
        assert client.version(repository, version)

    assert [wait.reason for wait in served.time.waits] == ["hourly limit of the API used up"]
    assert served.time.seconds >= 3600
