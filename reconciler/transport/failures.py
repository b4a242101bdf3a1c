"""The one place where failures of the HTTP library become errors of ours."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from reconciler.errors import ProtocolError, UnreachableError
from reconciler.model.display import public, safe
from reconciler.transport.urls import request_text

_TLS_HINT = (
    "Add the authority that signed its certificate with SSL_CERT_FILE, or say in"
    " RECONCILER_REGISTRIES that this host speaks plain_http, if it does."
)
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)
"""Failures of transport that no further try can mend."""


def is_transient(error: BaseException) -> bool:
    """Whether a failure may be gone at the next try: no connection, no answer, half an answer."""
    if isinstance(error, _FINAL) or _is_tls(error):
        return False
    return isinstance(error, httpx.TransportError)


@contextmanager
def translated(request: httpx.Request) -> Iterator[None]:
    """Turn what goes wrong with a request into our errors, naming the request.

    Raises: UnreachableError, when there was no whole answer; ProtocolError, when there was one
        that HTTP does not allow.
    """
    try:
        yield
    except (*_FINAL, httpx.DecodingError, httpx.InvalidURL) as error:
        raise ProtocolError(f"{request_text(request)}: {_describe(error)}") from error
    except httpx.TransportError as error:
        hint = _TLS_HINT if _is_tls(error) else ""
        raise UnreachableError(f"{request_text(request)}: {_describe(error)}", hint=hint) from error


def _describe(error: Exception) -> str:
    """Say what failed; some failures have no words but their name."""
    return safe(public(str(error))) or type(error).__name__


def _is_tls(error: BaseException | None) -> bool:
    """Whether a failed TLS handshake is behind a failure."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None
