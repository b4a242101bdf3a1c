"""The part of google-re2 that we use; it ships no types of its own."""

from collections.abc import Mapping
from typing import AnyStr, Generic, Self

class error(Exception): ...

class Options:
    max_mem: int
    """Memory that one program may take, in bytes."""
    log_errors: bool

class _Match(Generic[AnyStr]):
    def groupdict(self, default: AnyStr | None = None) -> dict[str, AnyStr | None]: ...

class _Regexp(Generic[AnyStr]):
    groupindex: Mapping[str, int]
    def fullmatch(
        self, text: AnyStr, pos: int | None = None, endpos: int | None = None
    ) -> _Match[AnyStr] | None: ...

class Set:
    @classmethod
    def FullMatchSet(cls, options: Options | None = None) -> Self: ...
    def Add(self, pattern: str) -> int: ...
    def Compile(self) -> None: ...
    def Match(self, text: str) -> list[int]: ...

def compile(pattern: AnyStr, options: Options | None = None) -> _Regexp[AnyStr]: ...
def escape(pattern: AnyStr) -> AnyStr: ...
