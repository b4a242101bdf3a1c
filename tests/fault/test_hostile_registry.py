"""A registry that drips, inflates or never ends costs its own repository, and no other one."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.connect import Registries
from reconciler.errors import ExitCode
from reconciler.model.names import Repository
from reconciler.model.plan import RepositoryPlan
from reconciler.policyfile import load_policies
from reconciler.session import Session, utc_now
from reconciler.settings import Settings
from reconciler.state.local import LocalState
from reconciler.transport.cache import ManifestCache
from reconciler.transport.watch import RunClock
from tests.support import hostile_server
from tests.support.hostile_server import SWELLING, Attack, Clock

pytestmark = pytest.mark.fault

POLICY = """\
version: 1
policies:
  - name: all
    repositories: ["{host}/evil/web", "{host}/good/web"]
    rules:
      - {{name: builds, match: {{tags: ["v*"]}}, age_by: first_seen, keep: {{within: 7d}}}}
"""

Parts = Callable[[Attack], tuple[RepositoryPlan, RepositoryPlan]]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """Plan the attacked repository and an honest one of the same server, in this order."""

    def planned(attack: Attack) -> tuple[RepositoryPlan, RepositoryPlan]:
        with hostile_server.hostile_server(attack) as server:
            policies = tmp_path / "policy.yaml"
            policies.write_text(POLICY.format(host=server.host))
            watch = RunClock(utc_now, Clock(), lambda _: None, lambda _: None)
            registries = Registries(Settings(), ManifestCache(None), watch)
            session = Session(load_policies([policies]), registries, LocalState(tmp_path / "state"))
            try:
                plan = session.plan(lasts=timedelta(hours=1))
            finally:
                registries.close()
        evil, good = plan.repositories
        assert evil.repository == Repository(f"{server.host}/evil/web")
        return evil, good

    return planned


def refused(evil: RepositoryPlan, good: RepositoryPlan) -> str:
    """Make sure that the attack failed and the other repository is planned; return why."""
    assert (good.complete, good.error) == (True, "")
    assert not evil.complete
    assert evil.failure is ExitCode.EVIDENCE_INCOMPLETE
    return evil.error


@pytest.mark.parametrize(
    "attack",
    [
        hostile_server.dripping_head,
        hostile_server.dripping_body,
        hostile_server.dripping_chunks,
        hostile_server.continuing,
    ],
)
def test_an_answer_that_drips_takes_too_long(attack: Attack, parts: Parts) -> None:
    assert "the response takes too long" in refused(*parts(attack))


@pytest.mark.parametrize("name", SWELLING)
def test_a_body_that_swells_is_not_decoded_beyond_its_bound(name: str, parts: Parts) -> None:
    error = refused(*parts(SWELLING[name]))

    assert (
        "more than 16777216 bytes" in error if name == "gzip" else "only gzip was accepted" in error
    )


@pytest.mark.parametrize("attack", [hostile_server.circling, hostile_server.long_links])
def test_pages_that_lead_nowhere_are_refused(attack: Attack, parts: Parts) -> None:
    refused(*parts(attack))


def test_pages_without_end_are_given_up_by_the_number_of_their_names(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.providers.oci.lists.MAX_NAMES", 5_000)

    assert "more than 5000 names" in refused(*parts(hostile_server.endless_pages))


def test_a_codec_that_a_server_names_decodes_nothing(parts: Parts) -> None:
    assert "denied" in refused(*parts(hostile_server.codec))
