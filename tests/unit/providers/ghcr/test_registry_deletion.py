"""Every answer to a DELETE, and what becomes of it."""

import httpx
import pytest

from reconciler.errors import AccessError, PostponedError
from reconciler.model.inventory import Version
from reconciler.model.names import Digest, Repository
from reconciler.model.ports import Deletion, DeletionResult
from tests.support.ghcr import ghcr_answering
from tests.support.time import VirtualTime

WEB = Repository("ghcr.io/acme/web")
VERSION = Version(Digest("sha256:" + "1" * 64), id="42")
SHOWN = {
    "type": "Organization",
    "id": 42,
    "name": VERSION.digest,
    "created_at": "2026-01-02T03:04:05Z",
    "metadata": {"container": {"tags": []}},
}
"""What GitHub says of the owner, and of the version."""

LAST_TAGGED = (
    "You cannot delete the last tagged version of a package. You must delete the package instead."
)
LAST = "You cannot delete the last version of a package. You must delete the package instead."
DOWNLOADED = (
    "Publicly visible package versions with more than 5000 downloads cannot be deleted. "
    "Contact GitHub support for further assistance."
)


class Api:
    """Answers DELETEs one after the other as told, and counts them."""

    def __init__(self, *answers: httpx.Response | Exception, still: int = 200) -> None:
        """Take the answers, the last of which goes on for ever, and how the version answers."""
        self._answers = list(answers)
        self._still = still
        self.deletes: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if request.method != "DELETE":
            is_version = request.url.path.endswith("/42")
            return httpx.Response(self._still if is_version else 200, json=SHOWN)
        self.deletes.append(request.url.path)
        answer = self._answers[min(len(self.deletes), len(self._answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


def refusal(status: int, message: str, **headers: str) -> httpx.Response:
    """Write a refusal; underscores in header names stand for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"message": message}, headers=named)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (httpx.Response(204), DeletionResult.DELETED),
        (refusal(404, "Package version not found."), DeletionResult.ABSENT),
        (refusal(400, LAST_TAGGED), DeletionResult.RETAINED),
        (refusal(422, LAST_TAGGED), DeletionResult.RETAINED),
        (refusal(400, LAST), DeletionResult.RETAINED),
        (refusal(400, DOWNLOADED), DeletionResult.RETAINED),
        (refusal(422, DOWNLOADED), DeletionResult.RETAINED),
        (refusal(400, "Invalid argument."), DeletionResult.FAILED),
        (refusal(409, "Conflict"), DeletionResult.FAILED),
        (refusal(500, "Server Error"), DeletionResult.LOST),
        (httpx.Response(502), DeletionResult.LOST),
        (httpx.Response(202), DeletionResult.LOST),
        (httpx.ReadTimeout("late"), DeletionResult.LOST),
        (httpx.RemoteProtocolError("cut off"), DeletionResult.LOST),
        (httpx.ConnectError("refused"), DeletionResult.REFUSED),
    ],
)
def test_an_answer_becomes_a_result_and_is_asked_for_once(
    answer: httpx.Response | Exception, result: DeletionResult
) -> None:
    api = Api(answer)

    deletion = ghcr_answering(api).delete(WEB, VERSION)

    assert deletion.result is result
    assert api.deletes == ["/orgs/acme/packages/container/web/versions/42"]


def test_a_refusal_keeps_githubs_words_its_status_and_its_request_id() -> None:
    api = Api(refusal(400, LAST_TAGGED, x_github_request_id="C0FF:EE"))

    deletion = ghcr_answering(api).delete(WEB, VERSION)

    assert deletion == Deletion(DeletionResult.RETAINED, 400, LAST_TAGGED, "C0FF:EE")


@pytest.mark.parametrize(
    "answer",
    [
        refusal(401, "Bad credentials"),
        refusal(403, "Resource not accessible by integration"),
        refusal(404, "Package not found."),
    ],
)
def test_a_missing_right_is_an_error_that_says_what_is_missing(answer: httpx.Response) -> None:
    with pytest.raises(AccessError, match="GitHub refuses to delete versions") as caught:
        ghcr_answering(Api(answer)).delete(WEB, VERSION)

    assert caught.value.hint


@pytest.mark.parametrize("status", [403, 429])
def test_a_deletion_that_a_limit_refused_is_neither_waited_for_nor_sent_again(status: int) -> None:
    time = VirtualTime()
    limited = refusal(status, "You have exceeded a secondary rate limit.", retry_after="40")
    api = Api(limited, httpx.Response(204))
    registry = ghcr_answering(api, time=time)

    refused = registry.delete(WEB, VERSION)
    too_early = registry.delete(WEB, VERSION)

    assert [refused.result, too_early.result] == [DeletionResult.REFUSED] * 2
    assert len(api.deletes) == 1
    assert time.seconds == 0

    registry.pace(WEB, 1)

    assert registry.delete(WEB, VERSION).result is DeletionResult.DELETED
    assert time.seconds == pytest.approx(40)


@pytest.mark.parametrize(
    ("still", "result"), [(404, DeletionResult.ABSENT), (503, DeletionResult.LOST)]
)
def test_a_404_that_does_not_speak_of_the_version_is_looked_into(
    still: int, result: DeletionResult
) -> None:
    api = Api(refusal(404, "Not Found"), still=still)

    assert ghcr_answering(api).delete(WEB, VERSION).result is result


def test_a_limit_that_never_passes_ends_the_wait_before_a_deletion() -> None:
    api = Api(refusal(403, "You have exceeded a secondary rate limit.", retry_after="9999999"))
    registry = ghcr_answering(api)

    assert registry.delete(WEB, VERSION).result is DeletionResult.REFUSED
    with pytest.raises(PostponedError, match="secondary rate limit"):
        registry.pace(WEB, 1)


def test_the_reads_of_a_look_are_counted_into_the_pace_of_deletions() -> None:
    time = VirtualTime()
    registry = ghcr_answering(Api(httpx.Response(204)), time=time)
    group = [Version(Digest(f"sha256:{number:064}"), id=str(number)) for number in range(10)]

    registry.pace(WEB, len(group), group)
    began = time.seconds
    for _ in range(20):
        registry.pace(WEB, len(group), group)

    # A page and each version is a read of one point, a deletion has five; 900 go in a minute.
    assert time.seconds - began == pytest.approx(20 * (1 + 10 + 50) * 60 / 900)


def test_the_token_is_in_no_message() -> None:
    api = Api(refusal(403, "Resource not accessible by integration"))

    with pytest.raises(AccessError) as caught:
        ghcr_answering(api, "ghs_verysecret").delete(WEB, VERSION)

    assert "verysecret" not in str(caught.value) + caught.value.hint + repr(caught.value)
