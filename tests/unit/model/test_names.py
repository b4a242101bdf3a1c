"""Names follow the grammars of the OCI specifications, or they do not exist."""

import pytest
from pydantic import BaseModel, ValidationError

from reconciler.errors import InvalidNameError
from reconciler.model.names import Digest, Repository, Tag

HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize("text", [f"sha256:{HEX}", f"sha512:{HEX}{HEX}"])
def test_a_digest_is_an_algorithm_and_all_its_digits(text: str) -> None:
    assert Digest(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        f"sha256:{HEX[:-1]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f"sha512:{HEX}",
        f"sha384:{HEX}{HEX[:32]}",
        f"md5:{HEX[:32]}",
        f"sha256:{HEX}\n",
        f" sha256:{HEX}",
        f"sha256:{'٣' * 64}",
        f"sha256-{HEX}",
        "sha256:../../../etc/passwd",
    ],
)
def test_any_other_text_is_no_digest(text: str) -> None:
    with pytest.raises(InvalidNameError, match="is not a digest"):
        Digest(text)


def test_a_digest_is_shortened_to_twelve_digits_for_people() -> None:
    assert Digest(f"sha256:{HEX}").short == "0123456789ab"


@pytest.mark.parametrize("text", ["a", "_", "latest", "1.10", "V1.2.3_b.4-x", "9" * 128])
def test_a_tag_is_made_of_letters_digits_and_three_signs(text: str) -> None:
    assert Tag(text) == text


@pytest.mark.parametrize(
    "text", ["", "-x", ".x", "x" * 129, "a b", "a/b", "a:b", "é", "x\n", "x*", "a\x1b[2J"]
)
def test_any_other_text_is_no_tag(text: str) -> None:
    with pytest.raises(InvalidNameError, match="is not a tag"):
        Tag(text)


@pytest.mark.parametrize("ending", ["", ".sig", ".att", ".sbom"])
def test_a_signature_tag_speaks_of_the_digest_it_spells(ending: str) -> None:
    assert Tag(f"sha256-{HEX}{ending}").subject == f"sha256:{HEX}"


@pytest.mark.parametrize(
    "text",
    [
        "sha256-abc.sig",
        f"sha256-{HEX}0",
        f"sha256-{'z' * 64}",
        f"sha512-{HEX}",
        "latest",
    ],
)
def test_a_tag_that_only_looks_like_a_signature_speaks_of_nobody(text: str) -> None:
    assert Tag(text).subject is None
    assert not Tag(text).is_signature


@pytest.mark.parametrize(
    "around", ["{}.sig.sig", "{}.SIG", "{}.src", "{}-sig", "x{}", "our-{}.old", "v1_{}"]
)
def test_a_tag_spells_a_digest_whatever_stands_around_it(around: str) -> None:
    assert Tag(around.format(f"sha256-{HEX}")).subject == f"sha256:{HEX}"


def test_a_referrers_tag_is_no_signature_since_its_index_lists_manifests() -> None:
    assert not Tag(f"sha256-{HEX}").is_signature
    assert Tag(f"sha256-{HEX}.sig").is_signature


@pytest.mark.parametrize(
    ("text", "registry", "path"),
    [
        ("ghcr.io/acme/web", "ghcr.io", "acme/web"),
        ("127.0.0.1:5000/web", "127.0.0.1:5000", "web"),
        ("[2001:db8::1]:5000/a/b/c", "[2001:db8::1]:5000", "a/b/c"),
        ("registry.example.com/a-b__c.d/e--f", "registry.example.com", "a-b__c.d/e--f"),
    ],
)
def test_a_repository_is_a_host_and_a_path(text: str, registry: str, path: str) -> None:
    repository = Repository(text)

    assert (repository.registry, repository.path) == (registry, path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ghcr.io",
        "ghcr.io/",
        "ghcr.io/acme/",
        "ghcr.io//acme",
        "ghcr.io/Acme/web",
        "ghcr.io/acme/web:latest",
        "ghcr.io/acme/web@sha256:0",
        "https://ghcr.io/acme/web",
        "ghcr.io/acme/../web",
        "ghcr.io/acme/-web",
        "ghcr.io/acme/we___b",
        "ghcr.io:port/acme/web",
        "user@ghcr.io/acme/web",
        "ghcr.io/acme/web\n",
        "ghcr.io/" + "a" * 510,
    ],
)
def test_any_other_text_is_no_repository(text: str) -> None:
    with pytest.raises(InvalidNameError, match="is not a repository"):
        Repository(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("127.0.0.2:5000/web", "this machine is written 127.0.0.1 or localhost"),
        ("0.0.0.0:5000/web", "this machine is written 127.0.0.1 or localhost"),
        ("[::]:5000/web", "this machine is written 127.0.0.1 or localhost"),
        ("127.1:5000/web", "127.1 is no address in its usual form"),
        ("2130706433:5000/web", "is no address in its usual form"),
        ("0x7f.0.0.1/web", "is no address in its usual form"),
        ("127.0.0.01/web", "is no address in its usual form"),
        ("ghcr.io:0/web", "there is no port 0"),
        ("ghcr.io:70000/web", "there is no port 70000"),
    ],
)
def test_an_address_with_more_than_one_meaning_is_no_name(text: str, words: str) -> None:
    with pytest.raises(InvalidNameError, match=words):
        Repository(text)


def test_a_long_hostile_text_is_refused_in_no_time_and_quoted_shortened() -> None:
    with pytest.raises(InvalidNameError) as refused:
        Repository("ghcr.io/" + "a" * 100_000 + "!")

    assert len(str(refused.value)) < 200


def test_models_hold_names_and_refuse_what_is_none() -> None:
    class Holder(BaseModel):
        digest: Digest

    held = Holder.model_validate_json(f'{{"digest": "sha256:{HEX}"}}')

    assert type(held.digest) is Digest
    assert held.model_dump_json() == f'{{"digest":"sha256:{HEX}"}}'
    with pytest.raises(ValidationError):
        Holder.model_validate({"digest": "latest"})
