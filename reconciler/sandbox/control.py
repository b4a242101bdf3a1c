"""The sandbox's control endpoints: faults, operations, clock, recorded calls, state, snapshot."""

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


class Control:
    """Answers calls below `/_sandbox/`; they meet no faults, limits or latency."""

    def __init__(self, world: World) -> None:
        """Control a world."""
        self._world = world

    def answer(self, call: Call) -> Response:
        """Answer one call; an invalid or impossible request is 422, with the reason."""
        try:
            with self._world.lock:
                return self._answered(call)
        except (ValidationError, LookupError) as error:
            return json_response({"message": str(error)}, 422)

    def _answered(self, call: Call) -> Response:
        world = self._world
        match (call.method, *call.segments[1:]):
            case ("POST", "faults"):
                world.faults.add(*_FAULTS.validate_json(call.body))
            case ("DELETE", "faults"):
                world.faults.clear()
            case ("POST", "operations"):
                perform(world, *_OPERATIONS.validate_json(call.body))
            case ("POST", "advance"):
                perform(world, Advance.model_validate_json(call.body))
            case ("GET", "requests"):
                return json_response([asdict(recorded) for recorded in world.requests])
            case ("DELETE", "requests"):
                world.requests.clear()
            case ("GET", "state"):
                return json_response(world.state())
            case ("GET", "snapshot"):
                snapshot = snapshot_of(world.packages.values(), world.now)
                return Response(snapshot.model_dump_json(), media_type="application/json")
            case _:
                return json_response({"message": "no such endpoint"}, 404)
        return json_response({"done": True})
