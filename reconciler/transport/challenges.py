"""What a registry asks for when it answers 401: the `WWW-Authenticate` header, taken apart."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.request import parse_http_list

import httpx

_SCHEME = re.compile(r"([A-Za-z][!-+\--<>-~]*)(?:\s+(.*))?", re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"(.*)"|(.*))', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One way to authenticate. Shape: `scheme` and the names of parameters in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def realm(self) -> str:
        """Where to ask for a token, for the scheme `bearer`."""
        return self.parameters.get("realm", "")

    @property
    def service(self) -> str:
        """The name of the registry at its token server."""
        return self.parameters.get("service", "")


def challenges_of(response: httpx.Response) -> tuple[Challenge, ...]:
    """Read all challenges of an answer, in its order; what cannot be read is left out.

    Source: RFC 9110, section 11.6.1.
    """
    return tuple(_challenges(response.headers.get("www-authenticate", "")))


def _challenges(header: str) -> Iterator[Challenge]:
    scheme, parameters = "", dict[str, str]()
    for part in parse_http_list(header):
        text = part
        if not _PARAMETER.fullmatch(part) and (named := _SCHEME.fullmatch(part)):
            if scheme:
                yield Challenge(scheme, parameters)
            scheme, parameters, text = named[1].lower(), {}, named[2] or ""
        if found := _PARAMETER.fullmatch(text):
            parameters.setdefault(found[1].lower(), found[2] or found[3] or "")
    if scheme:
        yield Challenge(scheme, parameters)
