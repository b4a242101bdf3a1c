"""What many people push to one repository, each thing under a name that a test can read."""

from collections.abc import Iterable

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
from tests.support.storage import Storage

PLATFORMS = ("linux/amd64", "linux/arm64")


class NamedPushes:
    """Pushes images, builds and what speaks of them, and knows all of it by name."""

    def __init__(self, storage: Storage) -> None:
        """Begin with nothing pushed."""
        self.storage = storage
        self.known: dict[str, Document] = {}

    @property
    def names(self) -> list[str]:
        """The names of all that was ever pushed."""
        return sorted(self.known)

    @property
    def alive(self) -> list[str]:
        """The names of what is there."""
        live = self.storage.live
        return sorted(name for name, document in self.known.items() if document.digest in live)

    def push(self, name: str, document: Document, *tags: str) -> str:
        """Push a document, perhaps anew, and move tags to it; return its name."""
        self.known[name] = document
        self.storage.push(document, *tags)
        return name

    def again(self, name: str, *tags: str) -> None:
        """Push anew what was pushed before."""
        self.push(name, self.known[name], *tags)

    def build(self, *tags: str, attested: bool, newer: bool) -> str:
        """Push an image for two platforms, with attestations of the older or the newer form."""
        build = f"build {len(self.known)}"
        parts = {f"{build} {name}": image(build, platform=name) for name in PLATFORMS}
        proofs = {
            f"proof of {name}": attestation(part, referrer=newer) for name, part in parts.items()
        }
        listed = parts | proofs if attested else parts
        self.known |= listed
        return self.push(build, index(*listed.values()), *tags)

    def collect(self, parts: Iterable[str], subject: str | None, *tags: str) -> str:
        """Push an index of what is known, which may speak of something known as well."""
        speaks_of = self.known[subject] if subject else None
        collected = index(*(self.known[name] for name in parts), subject=speaks_of)
        return self.push(f"index {len(self.known)}", collected, *tags)

    def attach(self, name: str, kind: str) -> None:
        """Push something that speaks of a document: a signature, or a referrer and its list."""
        subject = self.known[name]
        match kind:
            case "sig" | "att":
                self.push(f"{kind} of {name}", signature(subject), cosign_tag(subject, kind))
            case "referrer":
                self.push(f"referrer of {name}", artifact(kind, subject=subject))
            case _:
                listed = self.known[f"listed of {name}"] = artifact("listed", subject=subject)
                self.push(f"referrers of {name}", index(listed), fallback_tag(subject))

    def retag(self, tag: str, name: str) -> None:
        """Move a tag to something that is there."""
        self.storage.retag(tag, self.known[name].digest)

    def remove(self, name: str) -> None:
        """Delete something, unless it is gone."""
        if self.known[name].digest in self.storage.live:
            self.storage.remove(self.known[name].digest)
