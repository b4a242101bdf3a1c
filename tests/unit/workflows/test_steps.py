"""What a step pushes, told from its action or its script, and from nothing else."""

from collections.abc import Mapping
from textwrap import indent

import pytest
import yaml

from reconciler.model.names import Repository
from reconciler.workflows.naming import Naming
from reconciler.workflows.parse import read_workflow
from reconciler.workflows.steps import (
    AttestStep,
    BuildStep,
    MergeStep,
    PushStep,
    SignStep,
    StepLocation,
    by_action,
    by_script,
)
from tests.support.inventories import WEB


def makers(*steps: Mapping[str, object], **workflow: object) -> list[PushStep]:
    """Read a workflow of one job and return what its last step pushes."""
    text = yaml.safe_dump({"on": "push", **workflow, "jobs": {"image": {"steps": [*steps]}}})
    read = read_workflow("image.yml", text.encode())
    job, step = list(read.steps)[-1]
    spot = StepLocation(read, job, step)
    return [*by_action(spot), *by_script(spot)]


def build(**inputs: str) -> BuildStep:
    """Read a build by the action."""
    uses = {"uses": "docker/build-push-action@v6", "with": {"push": "true", **inputs}}
    (found,) = makers(uses)
    assert isinstance(found, BuildStep)
    return found


def scripted(script: str) -> PushStep:
    """Read the one thing that a script pushes."""
    (found,) = makers({"run": script})
    return found


@pytest.mark.parametrize(
    "inputs",
    [{"push": "false"}, {"load": "true", "push": ""}, {"push": "", "outputs": "type=docker"}],
)
def test_a_build_that_does_not_push_makes_nothing(inputs: dict[str, str]) -> None:
    assert makers({"uses": "docker/build-push-action@v6", "with": inputs}) == []


@pytest.mark.parametrize(
    ("inputs", "attests", "attests_on_request"),
    [
        ({}, True, False),
        ({"provenance": "false"}, False, False),
        ({"provenance": "mode=max"}, True, True),
        ({"provenance": "false", "sbom": "true"}, True, True),
    ],
)
def test_a_build_attests_unless_somebody_switched_it_off(
    inputs: dict[str, str], *, attests: bool, attests_on_request: bool
) -> None:
    found = build(**inputs)

    assert (found.attests, found.attests_on_request) == (attests, attests_on_request)


def test_the_environment_switches_attestations_off_too() -> None:
    uses = {"uses": "docker/build-push-action@v6", "with": {"push": "true"}}

    (found,) = makers(uses, env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"})

    assert isinstance(found, BuildStep)
    assert not found.attests


@pytest.mark.parametrize(
    ("tags", "namings"),
    [
        ("ghcr.io/acme/web:latest", [Naming.MOVING]),
        ("ghcr.io/acme/web", [Naming.MOVING]),
        ("ghcr.io/acme/web:${{ github.sha }}", [Naming.OWN]),
        ("ghcr.io/acme/web:${{ github.ref_name }}", [Naming.MOVING]),
        ("ghcr.io/acme/web:${{ inputs.version }}", [Naming.UNKNOWN]),
        ("a:edge,a:run-${{ github.run_id }}\na:main", [Naming.MOVING, Naming.OWN, Naming.MOVING]),
    ],
)
def test_a_tag_moves_or_is_its_own_or_is_not_known(tags: str, namings: list[Naming]) -> None:
    assert list(build(tags=tags).names.tags) == namings


@pytest.mark.parametrize(
    ("image", "may"),
    [
        ("ghcr.io/acme/web:latest", True),
        ("ghcr.io/ACME/web:latest", True),
        ("ghcr.io/acme/api:latest", False),
        ("ghcr.io/${{ github.repository }}:latest", True),
        ("${{ env.REGISTRY }}/acme/web", True),
        ("docker.io/acme/web", False),
        ("ghcr.io/acme/w[e]b", False),
        ("localhost:5000/acme/web:1", False),
    ],
)
def test_a_build_may_push_where_its_image_can_lie(image: str, *, may: bool) -> None:
    assert build(tags=image).may_push_to(WEB) is may


@pytest.mark.parametrize(
    ("platforms", "count"),
    [("", 1), ("linux/amd64", 1), ("linux/amd64,linux/arm64", 2), ("${{ matrix.platforms }}", 0)],
)
def test_platforms_are_counted_as_far_as_the_file_names_them(platforms: str, count: int) -> None:
    assert build(platforms=platforms).platforms == count


def test_a_port_is_no_tag() -> None:
    assert build(tags="localhost:5000/acme/web").may_push_to(Repository("localhost:5000/acme/web"))


def test_the_cache_in_a_registry_is_found_whatever_stands_beside_it() -> None:
    cached = build(**{"cache-to": "type=gha\ntype=registry,mode=max,ref=ghcr.io/acme/web:cache"})

    assert cached.caches == ("ghcr.io/acme/web:cache",)


def test_a_build_in_a_script_is_read_by_its_options() -> None:
    found = scripted(
        "set -e\n"
        "docker buildx build --push --platform linux/amd64,linux/arm64 \\\n"
        "  -t ghcr.io/acme/web:latest --tag=ghcr.io/acme/web:$GITHUB_SHA \\\n"
        "  --cache-to type=registry,ref=ghcr.io/acme/web:cache . && echo done"
    )

    assert isinstance(found, BuildStep)
    assert (found.platforms, found.attests, found.caches) == (2, True, ("ghcr.io/acme/web:cache",))
    assert set(found.names.tags) == {Naming.MOVING, Naming.OWN}


@pytest.mark.parametrize(
    ("command", "wraps"),
    [
        ("docker buildx imagetools create -t a/web:stable a/web:latest", True),
        ("docker buildx imagetools create --prefer-index=false -t a/web:stable a/web:1", False),
        ("docker buildx imagetools create -t a/web:1 a/web:1-amd64 a/web:1-arm64", False),
        ("docker buildx imagetools create -t a/web:1 $(printf 'a/web@sha256:%s ' *)", False),
    ],
)
def test_a_merge_of_one_image_wraps_it(command: str, *, wraps: bool) -> None:
    found = scripted(command)

    assert isinstance(found, MergeStep)
    assert found.wraps is wraps


def test_signatures_and_attestations_are_found() -> None:
    attest = {
        "uses": "actions/attest-build-provenance@v3",
        "with": {"subject-name": "ghcr.io/acme/web", "push-to-registry": "true"},
    }

    signed = scripted('sudo cosign sign --yes "ghcr.io/acme/web@${DIGEST}"')

    assert isinstance(signed, SignStep)
    assert signed.may_push_to(WEB)
    assert [type(maker) for maker in makers(attest)] == [AttestStep]


@pytest.mark.parametrize(
    "script",
    [
        "echo docker buildx build --push",
        "# docker buildx build --push .",
        "docker build -t web .",
        "echo 'unclosed",
        "docker buildx imagetools inspect a",
        "cosign verify a/web@sha256:0",
        "${{ 'quotes' && \"all over\" }}",
        ";;;&&&|||" * 1000,
    ],
)
def test_a_script_that_pushes_nothing_makes_nothing(script: str) -> None:
    assert makers({"run": script}) == []


def test_variables_that_stand_for_themselves_end() -> None:
    text = indent("a", " ")
    found = makers(
        {"run": "docker buildx build --push -t ${{ env.A }}/web:${A} ."},
        env={"A": f"${{{{ env.B }}}}{text}", "B": "${{ env.A }}${{ env.A }}"},
    )

    assert len(found) == 1
