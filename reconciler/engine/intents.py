"""What is written down before a version is deleted or restored, within the size of a record."""

import json
from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.journal import Entry
from reconciler.model.names import Digest
from reconciler.model.plan import Change

MAX_CHILDREN = 100
"""Children named in one intent; hardly an index has more."""

MAX_TAGS, MAX_RULES, MAX_REASONS = 24 * 1024, 8 * 1024, 12 * 1024
"""Room for each in one intent, in bytes of JSON: with the rest they make a whole record."""


def intent(change: Change, children: Sequence[Digest]) -> Entry:
    """Write down what is about to be done and why; `children` are what must be there with it.

    A version with hundreds of long tags has those named that there is room for, and the others
    counted: the plan names all of them.
    """
    tags = list(_fitting(change.observed.tags, MAX_TAGS))
    left_out = len(change.observed.tags) - len(tags)
    body = {
        "key": change.key,
        "digest": change.digest,
        "version_id": change.version_id,
        "action": change.action,
        "component": change.component,
        "tags": tags,
        "children": list(children[:MAX_CHILDREN]),
        "subject": change.observed.subject or "",
        "cause": change.cause,
        "rules": list(_fitting(change.rules, MAX_RULES)),
        "reasons": list(_fitting(change.reasons, MAX_REASONS)),
    }
    return Entry("intent", body | ({"more_tags": left_out} if left_out else {}))


def _fitting(texts: Iterable[str], room: int) -> Iterator[str]:
    """Yield texts as long as there is room. Units: `room` in bytes of JSON."""
    for text in texts:
        room -= len(json.dumps(text)) + 1
        if room < 0:
            return
        yield text
