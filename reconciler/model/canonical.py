"""The one form of JSON that is hashed."""

import json
from typing import Any


def canonical(document: Any) -> bytes:
    """Write JSON in the one form that is hashed: sorted keys, no spaces, UTF-8."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A lone surrogate, which hostile JSON may hold, becomes the escape it came from.
    return text.encode("utf-8", "backslashreplace")
