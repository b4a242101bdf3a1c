"""Whether a store really keeps the conditions that two writers rely on."""

from reconciler.errors import StateError
from reconciler.state.store import Store

_WHY = (
    "Without that two runs could delete at once. Use a store that has conditional writes, or "
    "keep the state elsewhere with `--state`."
)


def probe(store: Store, name: str) -> None:
    """Write an object of this name under every condition; it stays behind.

    Raises: StateError, naming the condition that the store does not keep.
    """
    first = store.create(name, b"first")
    if first is None:
        raise StateError(f"{store.place}: what does not exist counts as there", hint=_WHY)
    if store.create(name, b"again") is not None:
        raise _broken(store, "If-None-Match: it overwrites what exists")
    second = store.replace(name, b"second", first)
    if second is None:
        raise _broken(store, "If-Match: it refuses to replace what it was told of")
    if store.replace(name, b"third", first) is not None:
        raise _broken(store, "If-Match: it overwrites what has changed since")
    found = store.get(name)
    if found is None or found.content != b"second":
        raise StateError(f"{store.place}: a write that was confirmed cannot be read", hint=_WHY)


def _broken(store: Store, what: str) -> StateError:
    return StateError(f"{store.place} does not keep the condition {what}", hint=_WHY)
