"""A real registry that stumbles: reads come through or fail, and deletions are never repeated."""

import pytest

from reconciler.errors import EvidenceError, UnreachableError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import DeletionResult
from tests.support.documents import image
from tests.support.faults import Break, Fault
from tests.support.oci import delete_alone, opened
from tests.support.remote import Remote
from tests.support.servers import Servers

pytestmark = [pytest.mark.server, pytest.mark.fault]


def test_a_read_outlives_a_server_that_stumbles(servers: Servers, web: Remote) -> None:
    web.push(image("one"), "v1")
    proxy = servers.proxy(f"http://{web.host}")
    proxy.inject(Fault(503, path="*/tags/list*", times=2))
    proxy.inject(Fault(Break.AFTER, method="HEAD", times=1))

    with opened(proxy.host) as oci:
        listing = oci.listing(Repository(f"{proxy.host}/acme/web"))

    assert len(listing.versions) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault(500, path="*/tags/list*"), UnreachableError),
        (Fault(404, path="*/tags/list*", body=b"<html>not here</html>"), EvidenceError),
        (Fault(404, path="*/manifests/v1", body=b"<html>not here</html>"), EvidenceError),
        (Fault(200, path="*/tags/list*", body=b"<html>log in</html>"), EvidenceError),
        (Fault(Break.BEFORE), UnreachableError),
    ],
)
def test_an_outage_never_looks_like_emptiness(
    servers: Servers, web: Remote, fault: Fault, kind: type[EvidenceError]
) -> None:
    web.push(image("one"), "v1")
    proxy = servers.proxy(f"http://{web.host}")
    proxy.inject(fault)

    with opened(proxy.host) as oci, pytest.raises(kind):
        oci.listing(Repository(f"{proxy.host}/acme/web"))


@pytest.mark.parametrize(
    ("effect", "still_there"), [(Break.BEFORE, True), (Break.AFTER, False), (503, True)]
)
def test_a_deletion_whose_answer_is_lost_is_sent_once_and_told_as_lost(
    servers: Servers, web: Remote, effect: int | Break, still_there: object
) -> None:
    pushed = web.push(image("one"), "v1")
    proxy = servers.proxy(f"http://{web.host}")
    proxy.inject(Fault(effect, method="DELETE"))

    with opened(proxy.host) as oci:
        deletion = delete_alone(
            oci, Repository(f"{proxy.host}/acme/web"), Version(Digest(pushed.digest))
        )

    assert deletion.result is DeletionResult.LOST
    assert len(proxy.requests("DELETE")) == 1
    assert web.holds(pushed) is still_there


def test_a_registry_that_is_not_there_is_unreachable(servers: Servers) -> None:
    server = servers.registry()
    server.stop()

    with opened(server.host) as oci, pytest.raises(UnreachableError, match="/tags/list"):
        oci.listing(Repository(f"{server.host}/acme/web"))
