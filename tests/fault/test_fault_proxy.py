"""The fault proxy itself: what it breaks is what a client sees broken, and nothing else."""

import httpx
import pytest

from tests.support.documents import image
from tests.support.fault_proxy import FaultProxy
from tests.support.faults import Break, Fault, Request
from tests.support.registry_server import RegistryServer
from tests.support.remote import Remote
from tests.support.servers import Servers

pytestmark = [pytest.mark.fault, pytest.mark.server]


@pytest.fixture
def proxy(servers: Servers, registry: RegistryServer) -> FaultProxy:
    """Put a proxy before the real registry."""
    return servers.proxy(registry.url)


@pytest.fixture
def proxied(servers: Servers, proxy: FaultProxy) -> Remote:
    """Open `acme/web` through the proxy."""
    return servers.remote(proxy.url, "acme/web")


def test_what_passes_is_untouched_and_remembered(
    proxied: Remote, proxy: FaultProxy, web: Remote
) -> None:
    pushed = proxied.push(image("v1"), "v1")

    held = proxied.holds("v1")

    assert held
    assert web.digest("v1") == pushed.digest
    assert proxy.requests("PUT", "*/manifests/*") == [Request("PUT", "/v2/acme/web/manifests/v1")]
    assert proxy.requests("DELETE") == []


def test_an_injected_status_answers_instead_of_the_registry(
    proxied: Remote, proxy: FaultProxy, web: Remote
) -> None:
    pushed = web.push(image("v1"), "v1")
    proxy.inject(Fault(500, "DELETE", "*/manifests/*", times=1))

    statuses = [proxied.delete(pushed), proxied.delete(pushed)]

    assert statuses == [500, 202]


def test_a_fault_waits_for_its_turn(proxied: Remote, proxy: FaultProxy, web: Remote) -> None:
    web.push(image("v1"), "v1")
    proxy.inject(Fault(429, "GET", "*/tags/list", after=1, headers={"Retry-After": "7"}))

    first = httpx.get(f"{proxy.url}/v2/acme/web/tags/list")
    second = httpx.get(f"{proxy.url}/v2/acme/web/tags/list")

    assert first.json()["tags"] == ["v1"]
    assert (second.status_code, second.headers["Retry-After"]) == (429, "7")


def test_a_dropped_request_never_reaches_the_registry(
    proxied: Remote, proxy: FaultProxy, web: Remote
) -> None:
    pushed = web.push(image("v1"), "v1")
    proxy.inject(Fault(Break.BEFORE, "DELETE"))

    with pytest.raises(httpx.RemoteProtocolError):
        proxied.delete(pushed)

    assert web.holds("v1")
    assert len(proxy.requests("DELETE")) == 1


def test_a_lost_answer_leaves_the_registry_changed(
    proxied: Remote, proxy: FaultProxy, web: Remote
) -> None:
    pushed = web.push(image("v1"), "v1")
    proxy.inject(Fault(Break.AFTER, "DELETE"))

    with pytest.raises(httpx.RemoteProtocolError):
        proxied.delete(pushed)

    assert not web.holds(pushed)


def test_a_healed_proxy_breaks_nothing(proxied: Remote, proxy: FaultProxy, web: Remote) -> None:
    web.push(image("v1"), "v1")
    proxy.inject(Fault(503))

    proxy.heal()

    assert proxied.tags() == ["v1"]
