"""Calls of a port as tests see them: recorded, and with what is to happen at which of them."""

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.model.names import Repository
from reconciler.model.ports import Deletion, DeletionResult


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the port, with the digests it is about, or what else tells it apart."""

    method: str
    about: tuple[str, ...] = ()


Hook = Callable[[Call], None]
Action = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a DELETE is told, and whether the registry did it all the same."""

    deletion: Deletion
    done: bool = False


class Scripted:
    """Records calls, and lets a test interfere before any of them."""

    def __init__(self) -> None:
        """Begin with no calls and an empty script."""
        self.calls: list[Call] = []
        self.hooks: list[Hook] = []
        self.sent = 0
        """How many requests were sent so far."""

        self._answers: dict[int, Answer] = {}

    def requests(self, repository: Repository) -> int:
        """Return how many requests were sent so far."""
        return self.sent

    def on(self, method: str, action: Action, *, nth: int = 1) -> None:
        """Do something right before the nth call of a method from now on, once."""
        seen = 0

        def hook(call: Call) -> None:
            nonlocal seen
            seen += call.method == method
            if seen == nth:
                self.hooks.remove(hook)
                action()

        self.hooks.append(hook)

    def fail(self, method: str, error: BaseException, *, nth: int = 1) -> None:
        """Raise an error instead of answering the nth call of a method from now on, once."""

        def action() -> None:
            raise error

        self.on(method, action, nth=nth)

    def answer(
        self,
        result: DeletionResult,
        *,
        nth: int = 1,
        done: bool = False,
        status: int = 500,
        message: str = "",
    ) -> None:
        """Answer the nth DELETE from now on so, whether or not it was `done`."""
        at = len(self.about("delete")) + nth
        self._answers[at] = Answer(Deletion(result, status, message), done)

    def calm(self) -> None:
        """Forget every failure, edit and answer that was still to come."""
        self.hooks.clear()
        self._answers.clear()

    def about(self, method: str) -> list[tuple[str, ...]]:
        """Return what each call of a method was about."""
        return [call.about for call in self.calls if call.method == method]

    @property
    def deletes(self) -> list[str]:
        """The digests for which a DELETE was sent, in order."""
        return [digest for about in self.about("delete") for digest in about]

    def _enter(self, method: str, *about: str, requests: int = 1) -> None:
        """Record a call, then let the tests interfere."""
        call = Call(method, about)
        self.calls.append(call)
        self.sent += requests
        for hook in tuple(self.hooks):
            hook(call)

    def _scripted_answer(self) -> Answer | None:
        """Take the answer that the script has for the DELETE just entered."""
        return self._answers.pop(len(self.about("delete")), None)
