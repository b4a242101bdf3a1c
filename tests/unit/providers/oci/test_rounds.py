"""All tags of a plain registry, read in rounds beside its deletions."""

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from reconciler.errors import EvidenceError, PostponedError, ReconcilerError
from reconciler.model.names import Digest, Tag
from reconciler.model.ports import DeletionResult
from reconciler.providers.oci import rounds as oci_rounds
from reconciler.providers.oci.lists import Tags
from reconciler.providers.oci.registry import OciRegistry
from reconciler.providers.oci.rounds import NEVER, Rounds, TagReading
from reconciler.transport.cache import ManifestCache
from tests.support.oci import (
    ABSENT,
    API,
    TAGS,
    WEB,
    delete_alone,
    digests,
    document,
    known,
    names,
    site,
)
from tests.support.scripted_server import Site, client_of
from tests.support.time import VirtualTime

ONE, TWO, THREE = map(document, ("one", "two", "three"))
ONE_DIGEST, TWO_DIGEST, THREE_DIGEST = digests(ONE, TWO, THREE)


@dataclass
class Slow:
    """A site whose every answer takes some seconds."""

    site: Site
    time: VirtualTime
    latency: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path.removeprefix(API)}")
        self.time.seconds += self.latency
        return self.site(request)


@pytest.fixture
def time() -> VirtualTime:
    return VirtualTime()


@pytest.fixture
def slow(time: VirtualTime) -> Slow:
    """Serve two images, each with a tag."""
    return Slow(site({"v1": ONE, "v2": TWO}), time)


def refused(response: httpx.Response) -> EvidenceError:
    return EvidenceError(f"answered {response.status_code}")


@pytest.fixture
def rounds(slow: Slow, time: VirtualTime) -> Rounds:
    """Begin with a reading of now, without a thread."""
    tags = Tags(client_of(slow, time=time), refused)
    first = TagReading({Tag("v1"): ONE_DIGEST, Tag("v2"): TWO_DIGEST}, time.seconds, time.seconds)
    return Rounds(tags, WEB, first, lambda: time.seconds, time.pass_by)


def seen(rounds: Rounds) -> dict[Digest, tuple[str, ...]]:
    """Return the tags of each version as deletions see them."""
    return {version.digest: version.tags for version in rounds.listing().versions}


def move(slow: Slow, tag: str, digest: Digest) -> None:
    """Let a tag point to another image."""
    content = {ONE_DIGEST: ONE, TWO_DIGEST: TWO, THREE_DIGEST: THREE}[digest]
    slow.site.pages[f"{API}/manifests/{tag}"] = known(content)


def test_names_are_listed_and_only_new_ones_looked_at(rounds: Rounds, slow: Slow) -> None:
    slow.site.pages[TAGS] = names("v1", "v2", "v3")
    move(slow, "v3", THREE_DIGEST)

    assert seen(rounds) == {ONE_DIGEST: ("v1",), TWO_DIGEST: ("v2",), THREE_DIGEST: ("v3",)}
    assert slow.asked == ["GET /tags/list", "HEAD /manifests/v3"]


def test_a_tag_that_moved_is_seen_after_a_round(rounds: Rounds, slow: Slow) -> None:
    move(slow, "v2", ONE_DIGEST)
    before = seen(rounds)

    rounds.read()

    assert before == {ONE_DIGEST: ("v1",), TWO_DIGEST: ("v2",)}
    assert seen(rounds) == {ONE_DIGEST: ("v1", "v2")}


def test_a_tag_that_the_list_forgets_is_asked_for_all_the_same(rounds: Rounds, slow: Slow) -> None:
    slow.site.pages[TAGS] = names("v1")
    move(slow, "v2", ONE_DIGEST)

    rounds.read()

    assert seen(rounds) == {ONE_DIGEST: ("v1", "v2")}


def test_tags_that_are_listed_and_lead_nowhere_are_a_contradiction_that_names_them_all(
    rounds: Rounds, slow: Slow
) -> None:
    slow.site.pages[f"{API}/manifests/v1"] = ABSENT
    slow.site.pages[f"{API}/manifests/v2"] = ABSENT

    with pytest.raises(EvidenceError, match="the registry has no manifest for them: v1, v2$"):
        rounds.read()

    # A round that is not whole replaces nothing.
    assert seen(rounds) == {ONE_DIGEST: ("v1",), TWO_DIGEST: ("v2",)}


def test_a_tag_of_what_is_being_deleted_may_lead_nowhere(rounds: Rounds, slow: Slow) -> None:
    slow.site.pages[f"{API}/manifests/v2"] = ABSENT
    rounds.expect_gone([Tag("v2")])

    rounds.read()

    assert seen(rounds) == {ONE_DIGEST: ("v1",)}


def test_a_round_is_fresh_for_five_seconds_and_twice_its_own_time(
    rounds: Rounds, slow: Slow, time: VirtualTime
) -> None:
    slow.latency = 1.0
    began = time.seconds

    rounds.read()

    lasted = time.seconds - began
    assert lasted >= 2
    assert rounds.window == 5 + 2 * lasted
    time.seconds = began + rounds.window
    assert rounds.is_fresh
    time.seconds += 0.1
    assert not rounds.is_fresh


def test_the_next_round_begins_as_late_as_it_can_end_before_the_last_one_is_too_old(
    rounds: Rounds, slow: Slow, time: VirtualTime
) -> None:
    slow.latency = 3.0
    began = time.seconds
    rounds.read()
    lasted = time.seconds - began

    assert rounds.due_at == began + rounds.window - 1.25 * lasted
    time.seconds = rounds.due_at
    rounds.read()
    assert time.seconds <= began + rounds.window


def test_no_round_is_read_while_no_deletion_is_awaited(
    rounds: Rounds, slow: Slow, time: VirtualTime
) -> None:
    rounds.await_fresh()
    time.pass_by(6)
    needed = rounds.is_needed
    rounds.read()

    # A limit lets the run wait for an hour.
    time.pass_by(3600)

    assert needed
    assert not rounds.is_needed


def test_a_deletion_after_a_long_wait_waits_for_a_round(slow: Slow, time: VirtualTime) -> None:
    def wait(seconds: float) -> None:
        time.pass_by(seconds)
        if late.is_needed:
            late.read()

    late = Rounds(Tags(client_of(slow, time=time), refused), WEB, NEVER, lambda: 3600.0, wait)

    late.await_fresh()

    assert late.is_fresh
    assert slow.asked == ["GET /tags/list", "HEAD /manifests/v1", "HEAD /manifests/v2"]


def test_a_round_that_never_ends_is_not_awaited_for_ever(rounds: Rounds, time: VirtualTime) -> None:
    time.pass_by(10)

    with pytest.raises(PostponedError, match="reading all its tags takes too long"):
        rounds.await_fresh()


@pytest.fixture
def oci(slow: Slow, time: VirtualTime) -> OciRegistry:
    return OciRegistry(client_of(slow, time=time), ManifestCache(None))


class AtOnce:
    """A thread that has done all its work when it was started."""

    def __init__(self, target: Callable[[], None], **_: object) -> None:
        """Take the work."""
        self.start = target

    def join(self) -> None:
        """Wait for nothing."""


@pytest.mark.parametrize("step", [lambda oci: oci.pace(WEB, 1), lambda oci: oci.newest(WEB, "")])
def test_a_round_that_fails_stops_the_deletions(
    oci: OciRegistry,
    slow: Slow,
    step: Callable[[OciRegistry], object],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(oci_rounds, "Thread", AtOnce)
    oci.listing(WEB)
    slow.site.pages[f"{API}/manifests/v2"] = httpx.Response(403, text="no")

    with oci.watching(WEB), pytest.raises(ReconcilerError, match="v2"):
        step(oci)


def test_nothing_is_deleted_upon_a_round_that_began_too_long_ago(
    oci: OciRegistry, slow: Slow, time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    (one, *_) = oci.listing(WEB).versions
    monkeypatch.setattr(Rounds, "_run", lambda _: None)  # no thread reads a round
    with oci.watching(WEB):
        time.pass_by(60)

        deletion = delete_alone(oci, WEB, one)

    assert deletion.result is DeletionResult.REFUSED
    assert not [line for line in slow.asked if line.startswith("DELETE")]
