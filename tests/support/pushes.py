"""What is in a package, as a table: one push a line, with its age, its name and what it is.

    AGE  NAME  KIND [WORDS...]  [@ TAGS...]

`-` for an age means that it was never pushed, or is gone long since. `NAME*3` pushes three, each
a minute after the one before: `NAME1`, `NAME2`, `NAME3`. Every name has bytes of its own.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from reconciler.model.durations import Span
from reconciler.sandbox import artifacts
from reconciler.sandbox.package import Content
from tests.support.documents import (
    Document,
    artifact,
    attestation,
    cosign_tag,
    fallback_tag,
    image,
    index,
    signature,
)

_MINUTE = timedelta(minutes=1)
_MANY = re.compile(r"(?P<name>.+)\*(?P<count>\d+)")

Known = Mapping[str, Document]


@dataclass(frozen=True)
class Push:
    """One document, how long ago it was pushed (None for never), and the tags it got."""

    name: str
    document: Document
    age: timedelta | None
    tags: tuple[str, ...] = ()

    @property
    def content(self) -> Content:
        """The document as the sandbox stores it."""
        blobs = tuple(Content("", blob) for blob in self.document.blobs)
        return Content(self.document.media_type, self.document.content, blobs=blobs)


def read_pushes(table: str, known: dict[str, Document]) -> list[Push]:
    """Read a table; what it names is added to what is known, for the tables after it."""
    pushes: list[Push] = []
    for line in filter(None, map(str.strip, table.splitlines())):
        what, _, tags = line.partition("@")
        age, names, kind, *words = what.split()
        spoken = [_TAGS[kind](known[words[0]])] if kind in _TAGS else []
        for number, name in enumerate(spelled(names)):
            known[name] = _KINDS[kind](name, words, known)
            ago = None if age == "-" else Span(age).delta - number * _MINUTE
            pushes.append(Push(name, known[name], ago, (*spoken, *tags.split())))
    return pushes


def spelled(names: str) -> Iterator[str]:
    """Yield each of some names, `NAME*3` as three."""
    for name in names.split():
        many = _MANY.fullmatch(name)
        if many:
            yield from (f"{many['name']}{number}" for number in range(1, int(many["count"]) + 1))
        else:
            yield name


def _own(name: str, document: Document, **members: object) -> Document:
    """Make a document one of a kind, as a run that signs or builds once more does."""
    body = json.loads(document.content) | {"annotations": {"run": name}} | members
    content = json.dumps({key: value for key, value in body.items() if value is not None})
    return replace(document, content=content.encode())


def _all(words: Sequence[str], known: Known) -> list[Document]:
    return [known[word] for word in words]


def _referring_index(name: str, words: Sequence[str], known: Known) -> Document:
    """List documents in an index that is itself a referrer, of what the first word names."""
    subject, *children = _all(words, known)
    return _own(name, index(*children, subject=subject))


def _signature(name: str, words: Sequence[str], known: Known) -> Document:
    return _own(name, signature(known[words[0]]))


def _stored(content: Content) -> Document:
    blobs = tuple(blob.body for blob in content.blobs)
    return Document(content.media_type, content.body, blobs=blobs)


_KINDS: Mapping[str, Callable[[str, Sequence[str], Known], Document]] = {
    "same": lambda name, _, known: known[name],
    "image": lambda name, words, _: image(name, platform=words[0] if words else "linux/amd64"),
    "docker-image": lambda name, words, _: image(name, platform=words[0], docker=True),
    "index": lambda name, words, known: _own(name, index(*_all(words, known))),
    "docker-list": lambda name, words, known: _own(name, index(*_all(words, known), docker=True)),
    # OCI says that `mediaType` should be there; it need not.
    "bare-index": lambda name, words, known: _own(name, index(*_all(words, known)), mediaType=None),
    "referring-index": _referring_index,
    "attestation": lambda name, words, known: _own(name, attestation(known[words[0]])),
    "old-attestation": lambda name, words, known: _own(
        name, attestation(known[words[0]], referrer=False)
    ),
    "referrer": lambda name, words, known: artifact(name, subject=known[words[0]]),
    "signature": _signature,
    "signed-statement": _signature,
    "sbom": _signature,
    "fallback": lambda name, words, known: _own(name, index(*_all(words[1:], known))),
    "cache": lambda name, _, __: _stored(artifacts.build_cache(name)),
    "cache-index": lambda name, _, __: _stored(artifacts.build_cache_index(name)),
}

_TAGS: Mapping[str, Callable[[Document], str]] = {
    "signature": lambda subject: cosign_tag(subject, "sig"),
    "signed-statement": lambda subject: cosign_tag(subject, "att"),
    "sbom": lambda subject: cosign_tag(subject, "sbom"),
    "fallback": fallback_tag,
}
"""Kinds whose tag says what they belong to, which their first word names."""
