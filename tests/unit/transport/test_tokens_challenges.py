"""The header that says how to authenticate, as registries really write it and as nobody should."""

import httpx
import pytest

from reconciler.transport.tokens import Challenge, challenges_of


def read(*headers: str) -> tuple[Challenge, ...]:
    """Read the challenges of an answer."""
    pairs = [("www-authenticate", header) for header in headers]
    return challenges_of(httpx.Response(401, headers=pairs))


def test_a_token_challenge_names_realm_service_and_scope() -> None:
    header = (
        'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:acme/web:pull"'
    )

    assert read(header) == (
        Challenge(
            "bearer",
            {
                "realm": "https://ghcr.io/token",
                "service": "ghcr.io",
                "scope": "repository:acme/web:pull",
            },
        ),
    )


def test_a_comma_inside_quotes_parts_nothing() -> None:
    (challenge,) = read('Bearer realm="https://a.example/t?x=1,2", scope="repository:a:pull,push"')

    assert challenge.realm == "https://a.example/t?x=1,2"
    assert challenge.parameters["scope"] == "repository:a:pull,push"


@pytest.mark.parametrize(
    "headers",
    [
        ('Basic realm="a b", Bearer realm="https://t.example/", service="s"',),
        ('Basic realm="a b"', 'Bearer realm="https://t.example/", service="s"'),
        ('BASIC REALM="a b" , bearer   realm = "https://t.example/" , SERVICE=s',),
    ],
)
def test_several_challenges_are_told_apart(headers: tuple[str, ...]) -> None:
    assert read(*headers) == (
        Challenge("basic", {"realm": "a b"}),
        Challenge("bearer", {"realm": "https://t.example/", "service": "s"}),
    )


def test_a_scheme_may_stand_alone_or_bring_a_word_of_its_own() -> None:
    schemes = [challenge.scheme for challenge in read("Negotiate, NTLM TlRMTVNTUAAC==, Basic")]

    assert schemes == ["negotiate", "ntlm", "basic"]


def test_an_escaped_quote_belongs_to_the_value() -> None:
    (challenge,) = read(r'Basic realm="say \"hello\""')

    assert challenge.parameters["realm"] == 'say "hello"'


def test_the_first_of_two_values_counts() -> None:
    (challenge,) = read('Bearer realm="https://first.example/",realm="https://second.example/"')

    assert challenge.realm == "https://first.example/"


@pytest.mark.parametrize("header", ["", ",", ", ,,", '"', '="x"', "@@@", 'realm="https://x/"'])
def test_nonsense_is_no_challenge(header: str) -> None:
    assert read(header) == ()


def test_an_unclosed_quote_does_not_hide_the_scheme() -> None:
    (challenge,) = read('Bearer realm="https://a.example/, service="x')

    assert challenge.scheme == "bearer"
