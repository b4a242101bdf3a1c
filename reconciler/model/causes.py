"""Causes: why an image is kept or deleted."""

from enum import StrEnum


class Cause(StrEnum):
    """Why an image is kept or deleted; the first that applies, in this order."""

    PROTECTED = "protected"
    HELD = "held"
    RULE = "rule"
    UNMATCHED_TAG = "unmatched-tag"
    UNCOVERED = "uncovered"
    RETAINED = "retained"
    """The registry refused to delete it, and its tags and visibility have not changed since."""

    YOUNG = "min-age"
    NEEDED = "needed"
    """By itself it would be deleted, but a version that is kept needs it."""

    EXPIRED = "expired"
    FOLLOWS = "follows"
    """It is a follower: it is deleted with the last image that needed it."""
