"""Whatever a workflow looks like, a patch that is advised applies and does what it says alone."""

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given

from reconciler.analysis.diagnose.finding import CauseGroup
from reconciler.analysis.diagnose.remedies import WorkflowAdvice
from reconciler.workflows.changes import advise
from reconciler.workflows.parse import WorkflowFiles, read_workflow
from tests.support.diagnosed import tried
from tests.support.example_counts import THIRD
from tests.support.inventories import WEB
from tests.support.labelled.mixed import HABITS, package_of
from tests.support.strategies import Choices, choices
from tests.support.time import NOON

PLACE = ".github/workflows/image.yml"
CACHE = "type=registry,ref=ghcr.io/acme/web:buildcache"
INPUTS: Mapping[str, Sequence[str]] = {
    "context": (" .", ' "."'),
    "push": (" true", " ${{ github.event_name != 'pull_request' }}", " 'true' # always"),
    "tags": (
        " ghcr.io/acme/web:latest",
        " ghcr.io/acme/web:latest,ghcr.io/acme/web:main",
        " |\n  ghcr.io/acme/web:latest\n\n  ghcr.io/acme/web:main",
        " ${{ steps.meta.outputs.tags }}",
        " ghcr.io/acme/web:${{ github.sha }}",
    ),
    "platforms": (" linux/amd64", " linux/amd64,linux/arm64", " |\n  linux/amd64\n  linux/arm64"),
    "cache-to": (
        f" {CACHE},mode=max",
        f' "{CACHE}"',
        f" |\n  type=gha\n  {CACHE}",
        f" {CACHE}, mode=max # spaced",
        " type=registry,ref=ghcr.io/acme/$IMAGE:cache",
        " mode=max,ref=ghcr.io/acme/web:c,type=registry,compression=zstd",
        " type=registry,ref=ghcr.io/${{ github.repository }}:c-${{ github.ref_name }},mode=min",
    ),
    "cache-from": (f" {CACHE}", " type=gha"),
    "outputs": (" type=image,name=ghcr.io/acme/web,push-by-digest=true,push=true",),
    "build-args": (" |\n  A=1\n\n  # no remark, but a line\n  B=2",),
}
SCRIPTS = (
    "docker buildx imagetools create -t ghcr.io/acme/web:stable ghcr.io/acme/web:latest",
    "docker buildx build --push -t ghcr.io/acme/web:edge .",
    "|\n  set -eu\n\n  docker buildx build \\\n    --push -t ghcr.io/acme/web:edge .",
    "cosign sign --yes ghcr.io/acme/web@${DIGEST}",
    "echo done",
)
ATTEST = (
    "uses: actions/attest@v3\nwith:\n  subject-name: ghcr.io/acme/web\n  push-to-registry: true"
)


def written(chosen: Choices) -> str:
    """Write a workflow, in one of the styles that people have."""
    events = chosen.of(("push", "[push, pull_request]", "{schedule: [{cron: '1 2 * * *'}]}"))
    meta = "id: meta\nuses: docker/metadata-action@v5\nwith:\n  images: ghcr.io/acme/web\n  tags:"
    meta += chosen.of((" type=edge", " |\n    type=edge\n    type=ref,event=pr", " type=sha"))
    builds = [_build(chosen) for _ in range(chosen.of((1, 2)))]
    scripts = [f"run: {script}" for script in chosen.some(SCRIPTS, 2)]
    steps = [meta, *builds, *scripts, *([ATTEST] * chosen.of((0, 0, 2)))]
    dash, by = chosen.of((("- ", 2), ("-   ", 4), ("-\n  ", 2)))
    gap = chosen.of(("", "\n", "# a remark\n"))
    listed = gap.join(dash + _indented(step, by).lstrip() + "\n" for step in steps)
    body = _indented(listed, chosen.of((4, 6, 8)))
    return f"on: {events}\njobs:\n  image:\n    steps:\n{body}{chosen.of(('', chr(10)))}"


def _build(chosen: Choices) -> str:
    names = [name for name in INPUTS if name in ("push", "tags") or chosen.whether(once_in=3)]
    inputs = "".join(f"  {name}:{_indented(chosen.of(INPUTS[name]), 2)}\n" for name in names)
    return f"uses: docker/build-push-action@v6\nwith:\n{inputs.rstrip()}"


def _indented(text: str, by: int) -> str:
    """Indent each line that is not empty; of a value, all after the first."""
    first, *rest = text.split("\n")
    lead = " " * by
    lines = [first if first.startswith(" ") else lead + first]
    return "\n".join([*lines, *(lead + line if line else line for line in rest)])


@cache
def everything() -> tuple[CauseGroup, ...]:
    """Return findings of every cause."""
    return tried(package_of(HABITS, NOON)).diagnosis.groups


def counselled(text: str) -> WorkflowAdvice:
    """Ask for advice on a workflow."""
    return advise(WorkflowFiles((read_workflow(PLACE, text.encode()),)), WEB, everything())


def applied(text: str, patch: str) -> str:
    """Apply a patch as its reader would."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / PLACE
        file.parent.mkdir(parents=True)
        file.write_text(text)
        subprocess.run(["git", "apply", "-"], cwd=folder, input=patch, text=True, check=True)
        return file.read_text()


def steps(text: str) -> list[dict[str, Any]]:
    """Read the steps of a workflow as any other reader of YAML does."""
    found: list[dict[str, Any]] = yaml.safe_load(text)["jobs"]["image"]["steps"]
    return found


def _cached(after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps whose cache does not go to a registry any more."""
    return [step for step in after if "type=gha,mode=max" in str(step.get("with"))]


def _is_elsewhere(cache: str) -> bool:
    """Whether every entry of a cache is one that GitHub Actions keep, and nothing else."""
    return set(cache.split()) <= {"type=gha", "type=gha,mode=max"}


@THIRD
@given(choices(80))
def test_a_patch_applies_and_changes_one_kind_of_value_and_is_not_advised_again(
    chosen: Choices,
) -> None:
    text = written(chosen)
    for proposal in counselled(text).proposals:
        if proposal.patch:
            changed = applied(text, proposal.patch)

            before, after = steps(text), steps(changed)
            assert len(before) == len(after)
            differing = {
                key
                for old, new in zip(before, after, strict=True)
                for key in old.keys() | new.keys()
                if old.get(key) != new.get(key)
            }
            assert differing in ({"with"}, {"run"})
            assert len(counselled(changed).proposals) < len(counselled(text).proposals)
            if "cache-to" in proposal.text:
                assert all(_is_elsewhere(step["with"]["cache-to"]) for step in _cached(after))
