"""Tags of one shape: `sha-1a2b3c4` and `sha-5d6e7f8` are both `sha-*`."""

import re

_VARYING = re.compile(r"[0-9a-f]{7,}|\d+")
"""What differs between the tags of one shape: commits, and numbers."""


def family(tag: str) -> str:
    """Return the shape of a tag, with a star for whatever varies."""
    return _VARYING.sub("*", tag)
