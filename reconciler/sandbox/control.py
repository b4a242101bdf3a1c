"""The sandbox's control endpoints: faults, operations, clock, recorded calls, state, snapshot."""

from collections.abc import Callable, Mapping
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from reconciler.sandbox.call import Call, json_response
from reconciler.sandbox.faults import Advance, Fault, Operation
from reconciler.sandbox.performing import perform
from reconciler.sandbox.snapshots import snapshot_of
from reconciler.sandbox.world import World

_FAULTS: TypeAdapter[tuple[Fault, ...]] = TypeAdapter(tuple[Fault, ...])
_OPERATIONS: TypeAdapter[tuple[Operation, ...]] = TypeAdapter(tuple[Operation, ...])
_DONE = {"done": True}


class Control:
    """Answers calls below `/_sandbox/`; they meet no faults, limits or latency."""

    def __init__(self, world: World) -> None:
        """Control a world."""
        self._world = world
        self._operations: Mapping[str, Callable[[Call], Response]] = {
            "POST faults": self._add_faults,
            "DELETE faults": self._clear_faults,
            "POST operations": self._perform,
            "POST advance": self._advance,
            "GET requests": self._requests,
            "DELETE requests": self._forget_requests,
            "GET state": self._state,
            "GET snapshot": self._snapshot,
        }

    def answer(self, call: Call) -> Response:
        """Answer one call; an invalid or impossible request is 422, with the reason."""
        operation = self._operations.get(f"{call.method} {'/'.join(call.segments[1:])}")
        if operation is None:
            return json_response({"message": "no such endpoint"}, 404)
        try:
            with self._world.lock:
                return operation(call)
        except (ValidationError, LookupError) as error:
            return json_response({"message": str(error)}, 422)

    def _add_faults(self, call: Call) -> Response:
        self._world.faults.add(*_FAULTS.validate_json(call.body))
        return json_response(_DONE)

    def _clear_faults(self, _: Call) -> Response:
        self._world.faults.clear()
        return json_response(_DONE)

    def _perform(self, call: Call) -> Response:
        perform(self._world, *_OPERATIONS.validate_json(call.body))
        return json_response(_DONE)

    def _advance(self, call: Call) -> Response:
        perform(self._world, Advance.model_validate_json(call.body))
        return json_response(_DONE)

    def _requests(self, _: Call) -> Response:
        return json_response([asdict(recorded) for recorded in self._world.requests])

    def _forget_requests(self, _: Call) -> Response:
        self._world.requests.clear()
        return json_response(_DONE)

    def _state(self, _: Call) -> Response:
        return json_response(self._world.state())

    def _snapshot(self, _: Call) -> Response:
        snapshot = snapshot_of(self._world.packages.values(), self._world.now)
        return Response(snapshot.model_dump_json(), media_type="application/json")
