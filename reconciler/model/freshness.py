"""How old an observation may be when something is deleted because of it."""

FRESH_SECONDS = 5.0
"""Longest time, in seconds, between the check that a deletion depends on and its DELETE.

No client can make this zero, because registries have no conditional delete.
Source: docs/adr/0010-a-delete-is-sent-once-right-after-a-look.md.
"""
