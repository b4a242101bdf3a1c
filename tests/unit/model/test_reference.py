"""What names one version: a repository with a tag, or with a digest or the start of one."""

import pytest

from reconciler.errors import ExitCode, InvalidNameError
from reconciler.model.names import Repository, Tag
from reconciler.model.reference import Reference

WEB = Repository("ghcr.io/acme/web")
LOCAL = Repository("localhost:5000/web")
FULL = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("ghcr.io/acme/web:1.4.2", Reference(WEB, Tag("1.4.2"))),
        ("localhost:5000/web:latest", Reference(LOCAL, Tag("latest"))),
        (f"ghcr.io/acme/web@{FULL}", Reference(WEB, digest=FULL)),
        ("localhost:5000/web@sha256:abcdef", Reference(LOCAL, digest="sha256:abcdef")),
        ("ghcr.io/acme/web@abcdef012345", Reference(WEB, digest="abcdef012345")),
        ("ghcr.io/acme/web@sha512:" + "a" * 128, Reference(WEB, digest="sha512:" + "a" * 128)),
    ],
)
def test_a_reference_is_read_and_written_back(text: str, reference: Reference) -> None:
    assert Reference.parse(text) == reference
    assert str(reference) == text


def test_a_digest_without_its_algorithm_is_taken_for_sha256() -> None:
    assert Reference.parse("ghcr.io/acme/web@abcdef").digest_start == "sha256:abcdef"
    assert Reference.parse("ghcr.io/acme/web@sha256:abcdef").digest_start == "sha256:abcdef"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io/acme/web",
        "localhost:5000/web",
        "web:1.4.2",
        "https://ghcr.io/acme/web:1.4.2",
        "ghcr.io/acme/web:",
        "ghcr.io/acme/web:-rc",
        "ghcr.io/acme/web@",
        "ghcr.io/acme/web@abcde",
        "ghcr.io/acme/web@sha256:XYZXYZ",
        f"ghcr.io/acme/web:1.4.2@{FULL}",
        f"ghcr.io/acme/web@{FULL}ab",
        f"ghcr.io/acme/web:{'a' * 129}",
        "ghcr.io/acme/web:" + "a" * 100_000,
        "ghcr.io/acme/web:1\x1b[2J",
    ],
)
def test_anything_else_is_refused_before_a_registry_is_asked(text: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        Reference.parse(text)

    assert caught.value.exit_code is ExitCode.BAD_POLICY
    assert len(str(caught.value)) < 300
