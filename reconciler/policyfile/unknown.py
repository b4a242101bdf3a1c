"""What to say about a key that does not belong where it stands."""

from difflib import get_close_matches

from reconciler.policyfile.keys import example, homes_of, keys_of
from reconciler.policyfile.scalars import quoted

_LATER = (
    *("at_least", "at_most", "has_referrer", "in_use", "labels", "pulled_within"),
    *("sources", "templates", "ttl_from", "use", "while_in"),
)
"""Keys that later versions of the language may have."""

_FOREIGN = {
    **dict.fromkeys(
        ("keep_last", "keep_n", "keep_count", "count", "most_recent", "keep_n_most_recent"),
        "write keep: {last: 10}",
    ),
    **dict.fromkeys(
        ("older_than", "newer_than", "max_age", "age", "cut_off", "expire_after", "keep_within"),
        "say what to keep instead: keep: {within: 30d}",
    ),
    **dict.fromkeys(
        ("delete", "expire", "remove", "action"),
        "a rule says what to keep; the other images it covers expire",
    ),
    **dict.fromkeys(
        ("prefix", "pattern", "glob", "tag_prefix", "name_regex"),
        'write match: {tags: ["release-*"]} or match: {regex: ...}',
    ),
    **dict.fromkeys(
        ("schedule", "cron", "cadence", "interval"),
        "a policy has no clock; whoever runs reconciler decides when",
    ),
    **dict.fromkeys(
        ("token", "password", "username", "credentials", "auth", "endpoint", "url", "registry"),
        "a policy holds no access; give it to reconciler as a setting",
    ),
    **dict.fromkeys(("dry_run", "enabled"), "remove it; `reconciler plan` never deletes"),
    **dict.fromkeys(
        ("include", "extends", "<<"), "a policy file includes nothing; write the keys out"
    ),
}
"""Keys that other systems have, and what to write here."""

_HOMES = {
    "": "at the top of the file",
    "policies": "in a policy",
    "guards": "under 'guards'",
    "protect": "in a protection",
    "rules": "in a rule",
    "match": "under 'match'",
    "keep": "under 'keep'",
}
"""Where the keys of each part of a file belong."""


def suggestion(level: str, key: str) -> str | None:
    """Return the key that was probably meant, None when there is no telling."""
    near = get_close_matches(key[:64], keys_of(level), n=1, cutoff=0.75)
    return near[0] if near else None


def unknown_key(level: str, key: str) -> str:
    """Return the sentence about a key that its level does not know."""
    return f"unknown key {quoted(key)}; {_cure(level, key)}"


def _cure(level: str, key: str) -> str:
    name = key.replace("-", "_").lower()
    if near := suggestion(level, key):
        return f"did you mean '{near}'?"
    if name in _FOREIGN:
        return _FOREIGN[name]
    if name in _LATER:
        return "this version of reconciler does not have it; remove it"
    if homes := homes_of(key):
        return f"it belongs {_HOMES[homes[-1]]}, as in {example(homes[-1], key)}"
    return f"the keys here are {', '.join(keys_of(level))}"
