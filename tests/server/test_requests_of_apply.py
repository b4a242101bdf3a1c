"""What an apply sends to a plain registry: within its bound, and at least what the plan said."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.connect import open_registries
from reconciler.policyfile import load_text
from reconciler.session import Session, utc_now
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState
from reconciler.transport.watch import Sent, Wait
from tests.support.documents import image
from tests.support.remote import Remote

POLICY = """
version: 1
policies:
  - name: web
    repositories: ["{repository}"]
    rules:
      - {{name: builds, match: {{any: true}}, order_by: created, keep: {{last: {kept}}}}}
    guards: {{min_age: 0h, max_delete: 1000000, max_delete_percent: 100}}
"""


@pytest.mark.parametrize(
    ("tags", "kept"), [(120, 12), pytest.param(1000, 100, marks=pytest.mark.bench)]
)
def test_requests_grow_with_tags_and_deletions_and_are_at_least_what_the_plan_says(
    web: Remote, tmp_path: Path, tags: int, kept: int
) -> None:
    for number in range(tags):
        created = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
        web.push(image(f"build {number}", created=created), f"build-{number}")
    told = RegistrySettings(kind="oci", plain_http=True)
    settings = Settings(cache=tmp_path / "cache", registries={web.host: told})
    text = POLICY.format(repository=web.name, kept=kept).encode()
    with open_registries(settings, utc_now) as registries:
        session = Session(load_text("p.yaml", text), registries, LocalState(tmp_path / "state"))
        plan = session.plan(lasts=timedelta(hours=1))
        cost = session.cost(plan)
        events: list[Sent | Wait] = []

        with registries.watch.observed(events.append):
            (applied,) = session.apply(plan, allowed={}, halt=lambda: "")

    sent = sum(isinstance(event, Sent) for event in events)
    deleted = sum(outcome.result == "deleted" for outcome in applied.outcomes)
    assert deleted == tags - kept
    assert sent <= 2 * tags + 4 * deleted
    # At least so many; that they are about as many where DELETEs are fast needs a virtual time:
    # tests/unit/providers/oci/test_effort.py.
    assert cost.rereads
    assert cost.requests <= 1.3 * sent, (sent, cost)
    assert cost.window > 5
