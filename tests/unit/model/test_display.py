"""What a stranger wrote is printed, not obeyed; what is secret in a URL is not printed."""

import pytest

from reconciler.model.base import public, safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sha-4b1c9e2", "sha-4b1c9e2"),
        ("\x1b[2J\x1b[31mred", r"\x1b[2J\x1b[31mred"),
        ("\x9b31mred", r"\x9b31mred"),
        ("one\r\ntwo\ttabs", r"one\r\ntwo\ttabs"),
        ("abc\u202edef\u2066", r"abc\u202edef\u2066"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028break\u2029", r"line\u2028break\u2029"),
        ("\ud800", r"\ud800"),
        ("Grüße, 日本", "Grüße, 日本"),
    ],
)
def test_what_a_terminal_would_obey_is_spelled_out(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://user:pass@ghcr.io/v2/", "https://ghcr.io/v2/"),
        ("https://user:p@ss@ghcr.io/v2/", "https://ghcr.io/v2/"),
        ("https://ghcr.io/token?scope=x&token=abc", "https://ghcr.io/token"),
        ("https://ghcr.io/v2/#secret", "https://ghcr.io/v2/"),
        ("HTTPS://U:P@HOST/a?b and http://c:d@e", "HTTPS://HOST/a and http://e"),
        ("https://ghcr.io/v2/web/manifests/web@sha256:ab", None),
        ("ghcr.io/acme/web@sha256:ab, user@example.com?", None),
    ],
)
def test_urls_are_shown_without_credentials_and_query(text: str, shown: str | None) -> None:
    assert public(text) == (shown or text)


def test_a_long_hostile_text_is_read_in_linear_time() -> None:
    text = "a." * 200_000 + "https://" + "u:" * 200_000

    assert public(text) == text
