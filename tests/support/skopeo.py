"""skopeo, a client that shares no code with us: it pushes real input and proves images whole."""

import json
import subprocess
from pathlib import Path

from tests.support.documents import Document, digest_of
from tests.support.programs import program

_SECONDS = 60


class SkopeoError(Exception):
    """skopeo could not copy an image; the message is what it said."""


def pull_whole(name: str, destination: Path, *, credentials: tuple[str, str] | None = None) -> None:
    """Pull `host/path:tag` or `host/path@digest` with all its children and all their blobs.

    skopeo knows no index inside an index: pull the inner ones by their digests.

    Raises: SkopeoError, when any part of it is missing.
    """
    login = ["--src-creds", ":".join(credentials)] if credentials else []
    _copy("--src-tls-verify=false", *login, f"docker://{name}", f"dir:{destination}")


def push_layout(layout: Path, name: str, *, credentials: tuple[str, str] | None = None) -> None:
    """Push an OCI layout, as written by `write_layout`, to `host/path:tag`."""
    login = ["--dest-creds", ":".join(credentials)] if credentials else []
    _copy("--dest-tls-verify=false", *login, f"oci:{layout}", f"docker://{name}")


def write_layout(directory: Path, document: Document) -> Path:
    """Write a document and all that it needs as an OCI layout folder, and return the folder.

    Source: OCI image-spec v1.1, image-layout.md.
    """
    (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    (directory / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    entries = {"schemaVersion": 2, "manifests": [document.descriptor]}
    (directory / "index.json").write_text(json.dumps(entries))
    _write_blobs(directory / "blobs" / "sha256", document)
    return directory


def _write_blobs(folder: Path, document: Document) -> None:
    for child in document.children:
        _write_blobs(folder, child)
    for content in (document.content, *document.blobs):
        (folder / digest_of(content).removeprefix("sha256:")).write_bytes(content)


def _copy(*arguments: str) -> None:
    """Copy an image with everything it lists."""
    # Debian's package recommends, but does not require, the package with the trust policy.
    done = subprocess.run(
        [program("skopeo"), "--insecure-policy", "copy", "--all", "--quiet", *arguments],
        capture_output=True,
        check=False,
        text=True,
        timeout=_SECONDS,
    )
    if done.returncode != 0:
        raise SkopeoError(done.stderr.strip())
