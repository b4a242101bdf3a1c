"""A registry with a private certificate, which only a forward proxy reaches: both are real."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.authority import certify
from tests.support.cli import SECONDS, CommandLine, Ended
from tests.support.forward_proxy import ForwardProxy
from tests.support.loopback import free_port
from tests.support.registry_server import RegistryServer

HOST = "registry.acme.example"
POLICY = f"""\
version: 1
policies:
  - name: web
    repositories: ["{HOST}/acme/web"]
    rules: [{{name: all, match: {{any: true}}, keep: {{all: true}}}}]
"""
ENVIRONMENT = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE")


@dataclass(frozen=True)
class Office:
    """A network from which only the proxy reaches the registry."""

    reconciler: CommandLine
    proxy: ForwardProxy
    authority: Path

    def planned(self, variables: Mapping[str, str]) -> Ended:
        """Plan with these variables."""
        # Not forked from a process that has loaded the certificates of this machine already.
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "plan"],
            cwd=self.reconciler.folder,
            env={**os.environ, **self.reconciler.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Serve the registry and the proxy."""
    for name in (*ENVIRONMENT, *map(str.lower, ENVIRONMENT)):
        monkeypatch.delenv(name, raising=False)
    authority, certificate, key = certify(tmp_path, HOST)
    settings = {
        "REGISTRY_HTTP_TLS_CERTIFICATE": str(certificate),
        "REGISTRY_HTTP_TLS_KEY": str(key),
    }
    registry = RegistryServer(tmp_path / "registry", environment=settings)
    registry.start()
    port = int(registry.host.rpartition(":")[2])
    proxy = ForwardProxy({f"{HOST}:443": ("127.0.0.1", port)})
    reconciler = CommandLine(tmp_path, {"RECONCILER_CACHE": str(tmp_path / "cache")})
    reconciler.write_policy(POLICY)
    try:
        with proxy.serve():
            yield Office(reconciler, proxy, authority)
    finally:
        registry.stop()


def test_the_registry_is_read_through_the_proxy_with_the_private_authority(office: Office) -> None:
    ended = office.planned(
        {"HTTPS_PROXY": f"http://{office.proxy.address}", "SSL_CERT_FILE": str(office.authority)}
    )

    # It has no such repository: this is its own answer, so it was reached.
    text = " ".join(ended.stdout.split())
    assert f"{HOST}/acme/web: the registry reports that there is no such repository" in text
    assert ended.code == 6
    assert office.proxy.asked
    assert set(office.proxy.asked) == {f"CONNECT {HOST}:443"}


def test_an_unknown_authority_is_named_with_its_variable(office: Office) -> None:
    ended = office.planned({"HTTPS_PROXY": f"http://{office.proxy.address}"})

    text = " ".join(ended.stdout.split())
    assert ended.code == 6
    assert "certificate verify failed" in text
    assert f"through the proxy http://{office.proxy.address}" in text
    assert "Add the authority that signed its certificate with SSL_CERT_FILE" in text


def test_a_proxy_that_refuses_is_named(office: Office) -> None:
    office.reconciler.write_policy(POLICY.replace(HOST, "other.acme.example"))
    ended = office.planned({"HTTPS_PROXY": f"http://user:hidden@{office.proxy.address}"})

    text = " ".join(ended.stdout.split())
    assert ended.code == 6
    assert f"403 Forbidden by the proxy, through the proxy http://{office.proxy.address}" in text
    assert "HTTPS_PROXY and NO_PROXY" in text
    assert "hidden" not in text


def test_a_proxy_that_is_not_there_is_named(office: Office) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    ended = office.planned({"HTTPS_PROXY": nowhere})

    text = " ".join(ended.stdout.split())
    assert ended.code == 6
    assert f"Connection refused, through the proxy {nowhere}" in text
