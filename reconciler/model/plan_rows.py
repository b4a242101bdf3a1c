"""The rows of a plan, of which it may have a million: changes, and images that are kept."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from operator import not_
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter

from reconciler.model.base import canonical
from reconciler.model.causes import Cause
from reconciler.model.names import Digest, Tag


@lru_cache(maxsize=256)
def _shared(value: Any) -> Any:
    return value


@lru_cache(maxsize=256)
def _moment(text: str) -> datetime:
    return _MOMENTS.validate_python(text)


_MOMENTS = TypeAdapter(datetime)

_Moment = Annotated[
    datetime | None,
    BeforeValidator(lambda value: _moment(value) if isinstance(value, str) else value),
]
"""A time, one object for all neighbouring rows with the same text."""

_SHARED = AfterValidator(_shared)
"""Makes equal texts of neighbouring rows one object: all versions of an image have one reason."""


_ROW = ConfigDict(extra="forbid")
"""A file has no field that a row lacks. Rows have slots: a model takes 3 KiB for each of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One version as planning observed it. Units: `size` in bytes of image content, if known."""

    __pydantic_config__: ClassVar = _ROW

    tags: tuple[Tag, ...] = ()
    kind: Annotated[str, _SHARED] = ""
    size: int = 0
    pushed: _Moment = None
    first_seen: _Moment = None
    children: tuple[Digest, ...] = ()
    subject: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One deletion: which version, in which order, why, and what must still be true to delete it.

    Or one restoration: which version, and why it was deleted; `observed` is what it was then.

    Shape: `component` is the number of the image that this is a part of; changes of one component
        are adjacent, a document before the digests it refers to; for restorations, after them.
    """

    __pydantic_config__: ClassVar = _ROW

    key: str
    digest: Digest
    version_id: str = ""
    action: Literal["delete", "restore"] = "delete"
    component: Annotated[int, _SHARED]
    cause: Cause
    rules: Annotated[tuple[str, ...], _SHARED] = ()
    """The rules that covered it; none of them keeps it."""

    reasons: Annotated[tuple[str, ...], _SHARED] = ()
    observed: Observed
    until: Annotated[datetime | None, Field(exclude_if=not_)] = None
    """Until when the registry can restore it, if that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One image that is kept and that the plan lists, with the reasons."""

    __pydantic_config__: ClassVar = _ROW

    key: str
    tags: tuple[Tag, ...] = ()
    cause: Cause
    reasons: tuple[str, ...] = ()


_TOGETHER = 100
"""Rows that are written as one piece."""

ROWS: Mapping[str, TypeAdapter[Any]] = {
    "changes": TypeAdapter(Change),
    "protected": TypeAdapter(Kept),
    "retained": TypeAdapter(Kept),
}
"""What a part of a plan may have a million of: read and written one at a time."""


def row_pieces(rows: TypeAdapter[Any], values: Iterable[Any]) -> Iterator[list[bytes]]:
    """Write the elements of a list of rows, some in each piece: far fewer calls than one each."""
    remaining = iter(values)
    while some := [rows.dump_python(row, mode="json") for row in islice(remaining, _TOGETHER)]:
        yield [canonical(some)[1:-1]]
