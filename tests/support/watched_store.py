"""A store in memory that notes what is written, and may fail."""

from collections.abc import Callable

from obstore.store import MemoryStore

from reconciler.state.buckets import Bucket


class Watched(Bucket):
    """Notes each write by the first part of its name; `failure` is called after each."""

    def __init__(self) -> None:
        """Begin empty."""
        super().__init__("memory://", MemoryStore())
        self.written: list[str] = []
        self.failure: Callable[[], None] = lambda: None

    def create(self, name: str, content: bytes) -> str | None:
        """Note, and write."""
        return self._noted(name, super().create(name, content))

    def replace(self, name: str, content: bytes, version: str) -> str | None:
        """Note, and write."""
        return self._noted(name, super().replace(name, content, version))

    def _noted(self, name: str, version: str | None) -> str | None:
        self.written.append(name.partition("/")[0])
        self.failure()
        return version
