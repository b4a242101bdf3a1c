"""Record the cassettes anew.

    python -m tests.cassette.record ghcr                  against this project's own sandbox
    python -m tests.cassette.record ghcr OWNER/PACKAGE    against GitHub, with GITHUB_TOKEN
    python -m tests.cassette.record oci                   against Debian's docker-registry

Nothing is changed on GitHub; each manifest that is read counts there as a download.
"""

import os
import re
import subprocess
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from reconciler import logs
from reconciler.model.names import Repository
from reconciler.sandbox.accounts import CLASSIC
from reconciler.sandbox.artifacts import bundle, cosign_signature, image, plain_index, referrers_tag
from reconciler.sandbox.generate import Build, push_build
from reconciler.sandbox.package import StoredPackage
from reconciler.sandbox.server import Sandbox
from reconciler.sandbox.settings import UNLIMITED, SandboxSettings
from reconciler.session import utc_now
from reconciler.settings import RegistrySettings
from tests.cassette.stories import Desk, change, read
from tests.cassette.tapes import FOLDER, Origin, recording
from tests.support import documents
from tests.support.programs import program
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote, remote

API, REGISTRY, PLAIN = "https://api.github.com", "https://ghcr.io", "https://registry.example"
DAY = timedelta(days=1)

app = typer.Typer(callback=lambda: logs.configure(verbose=False))


@app.command()
def ghcr(
    package: Annotated[str, typer.Argument(metavar="OWNER/PACKAGE")] = "",
) -> None:
    """Record what a plan reads of a package, on GitHub or, without a name, on the sandbox."""
    if package:
        typer.echo(record_github(package, os.environ["GITHUB_TOKEN"], FOLDER))
    else:
        typer.echo(record_sandbox(FOLDER))


@app.command()
def oci() -> None:
    """Record a plan and its apply on a real registry, which is started for it."""
    typer.echo(record_plain(FOLDER))


def record_github(package: str, token: str, folder: Path) -> Path:
    """Read a package on GitHub."""
    path, now = folder / "ghcr.github.yaml", utc_now()
    repository = Repository(f"ghcr.io/{package}")
    tape = recording(path, Origin("GitHub", repository, now), str)
    with tempfile.TemporaryDirectory() as work, tape:
        read(Desk(repository, Path(work), now, token))
    return path


def record_sandbox(folder: Path) -> Path:
    """Read a package on the sandbox, whose address becomes those of GitHub."""
    path, now = folder / "ghcr.sandbox.yaml", utc_now()
    served = Sandbox(SandboxSettings(limits=UNLIMITED), [sandbox_package(now)]).serve()
    with tempfile.TemporaryDirectory() as work, served as sandbox:

        def rename(text: str) -> str:
            text = re.sub(rf"{re.escape(sandbox.url)}(?=/v2/|/token)", REGISTRY, text)
            text = text.replace(sandbox.url, API).replace(sandbox.host, "ghcr.io")
            return text.replace(quote(sandbox.host), "ghcr.io")

        told = RegistrySettings(kind="ghcr", api=sandbox.url, plain_http=True)
        token = CLASSIC.token.get_secret_value()
        desk = Desk(Repository(f"{sandbox.host}/acme/web"), Path(work), now, token, told)
        origin = Origin("the sandbox of this project, not GitHub", "ghcr.io/acme/web", now)
        with recording(path, origin, rename):
            read(desk)
    return path


def record_plain(folder: Path) -> Path:
    """Plan and apply on Debian's docker-registry, whose address becomes a made-up name."""
    path, now = folder / "oci.docker-registry.yaml", utc_now()
    with tempfile.TemporaryDirectory() as work:
        server = RegistryServer(Path(work) / "registry")
        server.start()
        try:
            with remote(server.url, "acme/web") as web:
                push_builds(web)

            def rename(text: str) -> str:
                named = text.replace(server.url, PLAIN)
                return named.replace(server.host, PLAIN.removeprefix("https://"))

            origin = Origin(_version(), "registry.example/acme/web", now)
            with recording(path, origin, rename):
                change(Desk(Repository(f"{server.host}/acme/web"), Path(work), now))
        finally:
            server.stop()
    return path


def sandbox_package(now: datetime) -> StoredPackage:
    """Return 22 builds, the newest release signed and attested, and one interrupted push."""
    package = StoredPackage.of("acme/web", now - 200 * DAY, "public")
    for number in range(22):
        tags = ["main", *([f"sha-{number:07x}"] if number % 2 == 0 else [])]
        built = push_build(
            package, Build(f"{number:040x}", str(number), now - (100 - number) * DAY, tags)
        )
        if number == 20:
            at = now - 79 * DAY
            statement, tag = bundle(built, "provenance"), referrers_tag(built.digest)
            package.push(cosign_signature(built, "release"), f"{tag}.sig", at=at)
            package.push(statement, at=at)
            package.push(plain_index([statement]), tag, at=at)
    package.push(image("interrupted"), at=now - 50 * DAY)
    return package


def push_builds(web: Remote) -> None:
    """Push four commits, two of them for two platforms, with signatures and a referrer."""
    for number in range(4):
        created = f"2026-01-0{number + 1}T00:00:00Z"
        platforms = [
            documents.image(f"{number}", platform=f"linux/{name}", created=created)
            for name in ("amd64", "arm64")
        ]
        built = documents.index(*platforms, *map(documents.attestation, platforms))
        pushed = web.push(built if number % 2 == 0 else platforms[0], f"sha-{number}")
        web.push(documents.signature(pushed), documents.cosign_tag(pushed))
        bundled = documents.artifact(f"bundle {number}", subject=pushed)
        web.push(documents.index(bundled), documents.fallback_tag(pushed))


def _version() -> str:
    """Say which registry it is, as Debian's package names it."""
    program("docker-registry")
    asked = ["dpkg-query", "--show", "--showformat=${Version}", "docker-registry"]
    told = subprocess.run(asked, capture_output=True, check=True, text=True)
    return f"Debian's docker-registry {told.stdout}"


if __name__ == "__main__":
    app()
