"""A workflow played on a package: what its steps would push, run after run.

It shares nothing with what reads workflows for advice. It knows just the actions, commands and
expressions of the workflows that tests play, and fails on any other expression.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import yaml

from reconciler.sandbox import artifacts
from reconciler.sandbox.package import Content, StoredPackage, document
from tests.support.time import NOON

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_DATE = "{{date 'YYYYMMDD'}}"


def replayed(text: str, runs: int) -> StoredPackage:
    """Play a workflow once a day, for so many days, the last of them a day ago."""
    workflow = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts only
    package = StoredPackage.of("acme/web", NOON - timedelta(days=runs + 1))
    for number in range(runs):
        _Run(workflow, package, f"{number + 1:040x}", NOON - timedelta(days=runs - number)).play()
    return package


@dataclass
class _Run:
    """One run of a workflow: its commit, its time, and what it has pushed so far."""

    workflow: Mapping[str, Any]
    package: StoredPackage
    commit: str
    at: datetime
    digests: list[str] = field(default_factory=list)
    pushed: dict[str, Content] = field(default_factory=dict)

    def play(self) -> None:
        """Play the jobs, one after the other."""
        for job in self.workflow["jobs"].values():
            matrix = job.get("strategy", {}).get("matrix", {})
            for platform in matrix.get("platform", [""]):
                self._job(job, {"matrix.platform": platform})

    def _job(self, job: Mapping[str, Any], known: dict[str, str]) -> None:
        known |= {f"env.{key}": value for key, value in self.workflow.get("env", {}).items()}
        known |= {
            "github.sha": self.commit,
            "github.run_id": str(int(self.commit, 16)),
            "github.repository": "acme/web",
            "vars.REGISTRY": "ghcr.io",
            "github.event_name != 'pull_request'": "true",
        }
        for step in job["steps"]:
            name, action = step.get("id", ""), step.get("uses", "").partition("@")[0]
            if action == "docker/metadata-action":
                outputs = {"tags": "\n".join(self._tags(step["with"], known))}
                known["metadata"] = outputs["tags"]
            elif action == "docker/build-push-action":
                outputs = {"digest": self._build(step["with"], known)}
            else:
                outputs = {}
                self._script(step, known)
            known |= {f"steps.{name}.outputs.{key}": value for key, value in outputs.items()}

    def _tags(self, inputs: Mapping[str, str], known: Mapping[str, str]) -> Iterator[str]:
        """Name an image as docker/metadata-action does."""
        image = _filled(inputs["images"], known)
        nightly = "schedule" in self.workflow["on"]
        for line in inputs["tags"].splitlines():
            kind, *rest = line.strip().split(",")
            options = dict(option.split("=", 1) for option in rest)
            match kind.removeprefix("type="):
                case "sha":
                    length = 40 if options.get("format") == "long" else 7
                    yield f"{image}:sha-{self.commit[-length:]}"
                case "raw":
                    yield f"{image}:{options['value']}"
                case "edge":
                    yield f"{image}:edge"
                case "ref" if not nightly:
                    yield f"{image}:main"
                case "schedule" if nightly:
                    yield f"{image}:{options['pattern'].replace(_DATE, f'{self.at:%Y%m%d}')}"

    def _build(self, inputs: Mapping[str, str], known: Mapping[str, str]) -> str:
        """Push what BuildKit pushes, and return its digest."""
        platforms = _filled(inputs.get("platforms", "linux/amd64"), known)
        images = {
            platform.strip(): artifacts.image(self.commit, platform.strip())
            for platform in re.split(r"[,\n]", platforms)
            if platform.strip()
        }
        attested = inputs.get("provenance") != "false"
        run = f"{self.commit} {platforms}"
        statements = [artifacts.attestation(i, run, artifact=True) for i in images.values()]
        parts = [*images.values(), *(statements if attested else [])]
        built = artifacts.index(images, statements if attested else ())
        if len(parts) == 1:
            (built,) = parts
        for content in dict.fromkeys([*parts, built]):
            self._push(content)
        tags = _filled(inputs.get("tags", ""), known)
        self._push(built, *(tag.strip() for tag in re.split(r"[,\n]", tags) if tag.strip()))
        self.digests.append(built.digest)
        kept = _filled(inputs.get("cache-to", ""), known)
        cache = re.search(r"type=registry,ref=\S+:(\w+)", kept)
        if cache:
            self._push(artifacts.build_cache(self.commit), f"cache:{cache[1]}")
        return built.digest

    def _script(self, step: Mapping[str, Any], known: Mapping[str, str]) -> None:
        script = step.get("run", "")
        if "imagetools create" in script:
            self._push(self._merged(), *known["metadata"].splitlines())
        elif script.startswith("cosign sign"):
            digest = _filled(step["env"]["DIGEST"], known)
            signature = artifacts.cosign_signature(self.pushed[digest], self.commit)
            self._push(signature, f"signature:{artifacts.referrers_tag(digest)}.sig")

    def _merged(self) -> Content:
        """Merge what was pushed by digest: the entries of indexes, and images as they are."""
        entries: list[Any] = []
        for digest in self.digests:
            body = json.loads(self.pushed[digest].body)
            entries += body.get("manifests") or [self.pushed[digest].descriptor()]
        return document(artifacts.OCI_INDEX, {"manifests": entries})

    def _push(self, content: Content, *names: str) -> None:
        self.pushed[content.digest] = content
        self.package.push(content, *(name.rpartition(":")[2] for name in names), at=self.at)


def _filled(text: str, known: Mapping[str, str]) -> str:
    """Put in what expressions stand for.

    Raises: KeyError, for an expression that no test is known to play.
    """
    while _EXPRESSION.search(text):
        text = _EXPRESSION.sub(lambda found: known[found[1]], text)
    return text
