"""The base of every value that is read from outside."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value read from outside: nothing may be added to it, nothing changed."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
