"""GitHub's REST API for container packages and comments. Source: GitHub's OpenAPI description."""

from hashlib import sha256

from starlette.responses import Response

from reconciler.sandbox.accounts import Account, SandboxTokenKind
from reconciler.sandbox.call import Call, Pause, RefusedError, github_refusal, json_response
from reconciler.sandbox.comment_calls import CommentCalls
from reconciler.sandbox.git_calls import GitCalls
from reconciler.sandbox.metering import Meter
from reconciler.sandbox.package_calls import PackageCalls
from reconciler.sandbox.rights import INTEGRATION, identify
from reconciler.sandbox.rows import user_row
from reconciler.sandbox.version_calls import VersionCalls
from reconciler.sandbox.wanted import wanted_by
from reconciler.sandbox.world import World

_NOT_FOUND = "Not Found"


class GitHub:
    """Answers calls of the REST API: who calls, is it within the limits, what is wanted."""

    def __init__(self, world: World) -> None:
        """Serve the packages of a world."""
        self._world = world
        self._operations = {
            **PackageCalls(world).operations,
            **VersionCalls(world).operations,
        }
        self._comments = CommentCalls(world)
        self._git = GitCalls()
        self._meter = Meter(world.settings.limits, world.clock)

    async def answer(self, call: Call, pause: Pause) -> Response:
        """Answer one call; the pause counts as time in flight."""
        account: Account | None = None
        try:
            account = identify(self._world, call)
            with self._meter.visit(account, call.method):
                # Asking for the limits is free, also when nothing is left.
                if call.segments != ("rate_limit",):
                    self._meter.charge(account)
                await pause()
                response = self._counted(call, account)
        except RefusedError as refusal:
            response = refusal.response
        response.headers.update(self._headers(account))
        return response

    def _counted(self, call: Call, account: Account | None) -> Response:
        """Answer, and give back a call whose answer is that nothing changed.

        Source: GitHub, "Best practices for using the REST API", conditional requests.
        """
        with self._world.lock:
            response = self._conditional(call, self._answered(call, account))
        if response.status_code == 304:
            self._meter.refund(account)
        return response

    def _headers(self, account: Account | None) -> dict[str, str]:
        headers = self._meter.headers(account)
        if account and account.kind is SandboxTokenKind.CLASSIC:
            headers["x-oauth-scopes"] = ", ".join(sorted(account.scopes))
        return headers

    def _answered(self, call: Call, account: Account | None) -> Response:
        if of_git := self._git.answer(call, account):
            return of_git
        if of_pulls := self._world.pulls.answer(call, account):
            return of_pulls
        if call.segments[0] == "repos":
            return self._comments.answer(call, account)
        if "packages" in call.segments[1:3]:
            wanted = wanted_by(self._world, call, account)
            operation = self._operations.get((call.method, wanted.shape))
            if operation is None:
                raise github_refusal(404, _NOT_FOUND)
            return operation(wanted)
        match (call.method, *call.segments):
            case ("GET", "rate_limit"):
                return self._rate_limit(account)
            case ("GET", "user"):
                return self._user(call, account)
            case ("GET", "users", login):
                return self._profile(call, login)
            case _:
                raise github_refusal(404, _NOT_FOUND)

    def _conditional(self, call: Call, response: Response) -> Response:
        """Give an answer its ETag, or answer that nothing changed."""
        if not self._world.settings.etags or call.method != "GET":
            return response
        etag = f'W/"{sha256(response.body).hexdigest()}"'
        if call.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        response.headers["etag"] = etag
        return response

    def _rate_limit(self, account: Account | None) -> Response:
        rate = self._meter.rate(account)
        del rate["resource"]
        resources = {"core": rate, "search": rate, "graphql": rate}
        return json_response({"resources": resources, "rate": rate})

    def _user(self, call: Call, account: Account | None) -> Response:
        if account is None:
            raise github_refusal(401, "Requires authentication")
        if account.kind is SandboxTokenKind.ACTIONS:
            raise github_refusal(403, INTEGRATION)
        return self._profile(call, account.login)

    def _profile(self, call: Call, login: str) -> Response:
        owner = self._world.owners.get(login.lower())
        if owner is None:
            raise github_refusal(404, _NOT_FOUND)
        return json_response(user_row(owner, call.base_url))
