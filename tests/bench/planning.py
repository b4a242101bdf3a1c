"""Two ways to read a package: as a plan does, and as most other tools do."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import httpx

from reconciler.connect import open_registries
from reconciler.model.plan import DeletionPlan
from reconciler.policyfile import load_text
from reconciler.sandbox.accounts import CLASSIC
from reconciler.session import Session, utc_now
from reconciler.settings import RegistrySettings, Settings
from reconciler.state.local import LocalState

PATH = "acme/web"
POINTS_PER_MINUTE = 1_000_000
"""So many that pacing plays no part: the sandbox of the bench counts none."""

READERS = 10
"""Manifests that other tools read at once."""

POLICY = """
version: 1
policies:
  - name: bench
    repositories: ["{repository}"]
    protect:
      - {{name: moving, match: {{tags: [main]}}}}
    rules:
      - {{name: commits, match: {{tags: ["sha-*"]}}, keep: {{within: 30d, last: 20}}}}
      - {{name: dangling, match: {{untagged: true}}, keep: {{within: 7d}}}}
    guards: {{max_delete: 1000000, max_delete_percent: 100}}
"""


def planned(host: str, folder: Path) -> int:
    """Plan with the state and the cache in a folder; return how many deletions come of it."""
    api = f"http://{host}"
    told = RegistrySettings(
        kind="ghcr", api=api, plain_http=True, points_per_minute=POINTS_PER_MINUTE
    )
    settings = Settings(
        state=str(folder / "state"),
        cache=folder / "cache",
        registries={host: told},
        GITHUB_TOKEN=CLASSIC.token,
    )
    policies = load_text("bench.yaml", POLICY.format(repository=f"{host}/{PATH}").encode())
    with open_registries(settings, utc_now) as registries:
        session = Session(policies, registries, LocalState(Path(settings.state)))
        return _deletions(session.plan(lasts=timedelta(hours=1)))


def every_manifest(url: str) -> int:
    """List all versions and fetch each one's manifest, ten at once; return how many there were.

    It is as lean as can be: no check of a digest, no second try, nothing decided.
    """
    token = CLASSIC.token.get_secret_value()
    with httpx.Client(base_url=url, timeout=60) as client, ThreadPoolExecutor(READERS) as pool:
        owner, name = PATH.split("/")
        versions = f"/orgs/{owner}/packages/container/{name}/versions?per_page=100"
        listing = {"Authorization": f"Bearer {token}"}
        first = client.get(versions, headers=listing)
        last = int(httpx.URL(first.links["last"]["url"]).params["page"])
        numbers = range(2, last + 1)
        rest = pool.map(lambda n: client.get(f"{versions}&page={n}", headers=listing), numbers)
        digests = [row["name"] for page in (first, *rest) for row in page.json()]
        granted = client.get(f"/token?scope=repository:{PATH}:pull", auth=("token", token))
        reading = {"Authorization": f"Bearer {granted.json()['token']}"}
        places = (f"/v2/{PATH}/manifests/{digest}" for digest in digests)
        return sum(1 for _ in pool.map(lambda p: client.get(p, headers=reading).json(), places))


def _deletions(plan: DeletionPlan) -> int:
    (part,) = plan.repositories
    if not part.complete:
        raise RuntimeError(f"the plan is incomplete: {part.error}")
    return plan.summary.delete
