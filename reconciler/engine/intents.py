"""What is written down before a version is deleted or restored, within the size of a record."""

import json
from collections.abc import Iterable, Iterator, Sequence

from reconciler.model.journal import MAX_CHILDREN, Entry
from reconciler.model.names import Digest
from reconciler.model.plan import Change

MORE_CHILDREN = 400
"""Children named in each record beside an intent that has no room for all of them."""

MAX_TAGS, MAX_RULES, MAX_REASONS = 24 * 1024, 8 * 1024, 12 * 1024
"""Room for each in one intent, in bytes of JSON: with the rest they make a whole record."""


def intents(change: Change, children: Sequence[Digest]) -> Iterator[Entry]:
    """Write down what is about to be done and why; `children` are what must be there with it.

    All of them are named, or an undo would bring an index back with holes: first those that the
    intent has no room for, so that an intent that can be read has all of its children before it.

    A version with hundreds of long tags has those named that there is room for, and the others
    counted: the plan names all of them.
    """
    more = children[MAX_CHILDREN:]
    for start in range(0, len(more), MORE_CHILDREN):
        part = list(more[start : start + MORE_CHILDREN])
        yield Entry("children", {"key": change.key, "children": part})
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
        **({"more_children": len(more)} if len(children) >= MAX_CHILDREN else {}),
        "subject": change.observed.subject or "",
        "cause": change.cause,
        "rules": list(_fitting(change.rules, MAX_RULES)),
        "reasons": list(_fitting(change.reasons, MAX_REASONS)),
    }
    yield Entry("intent", body | ({"more_tags": left_out} if left_out else {}))


def _fitting(texts: Iterable[str], room: int) -> Iterator[str]:
    """Yield texts as long as there is room. Units: `room` in bytes of JSON."""
    for text in texts:
        room -= len(json.dumps(text)) + 1
        if room < 0:
            return
        yield text
