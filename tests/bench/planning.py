"""Ways to read a package: as a plan does, as another cleaner does, as most other tools do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from reconciler.sandbox.accounts import CLASSIC

PATH = "acme/web"
POINTS = 1_000_000
"""A minute: so many that pacing plays no part: the sandbox of the bench counts none."""

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


def environment(host: str, folder: Path) -> Mapping[str, str]:
    """Return the variables that lead a process to a sandbox, with its cache in a folder."""
    registry = {"kind": "ghcr", "api": f"http://{host}", "plain_http": True}
    return {
        "RECONCILER_REGISTRIES": json.dumps({host: registry | {"points_per_minute": POINTS}}),
        "RECONCILER_CACHE": str(folder / "cache"),
        "GITHUB_TOKEN": CLASSIC.token.get_secret_value(),
    }


def planned(host: str, folder: Path) -> int:
    """Run `plan` with the state and the cache in a folder; return how many deletions it has."""
    policy = folder / "policy.yaml"
    policy.write_text(POLICY.format(repository=f"{host}/{PATH}"))
    arguments = ("plan", str(policy), "--state", str(folder / "state"))
    printed = run([sys.executable, "-m", "reconciler", *arguments], environment(host, folder))
    return int(_first(r"^Plan: (\d+) to delete", printed))


def rival(url: str, folder: Path, script: Path) -> int:
    """Let ghcr-cleanup-action list what it would delete; return how many manifests it read.

    Shape: `script` is its own build, `dist/index.js`, which Node runs as it is.
    Source: github.com/dataaxiom/ghcr-cleanup-action, the inputs in `action.yml`.
    """
    owner, name = PATH.split("/")
    summary = folder / "summary.md"
    summary.touch()
    environment = {
        "GITHUB_REPOSITORY": PATH,
        "GITHUB_STEP_SUMMARY": str(summary),
        "INPUT_TOKEN": CLASSIC.token.get_secret_value(),
        "INPUT_OWNER": owner,
        "INPUT_PACKAGE": name,
        "INPUT_REGISTRY-URL": url,
        "INPUT_GITHUB-API-URL": url,
        "INPUT_DELETE-UNTAGGED": "true",
        "INPUT_DRY-RUN": "true",
        "INPUT_LOG-LEVEL": "warn",
    }
    return int(_first(r"(\d+) manifests fetched", run(["node", str(script)], environment)))


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


def run(command: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run a command with these variables besides our own; return what it printed.

    Raises RuntimeError with what it printed, where it does not end with 0.
    """
    variables = {**os.environ, **environment}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"{pattern!r} is not in:\n{text}")
    return found[1]
