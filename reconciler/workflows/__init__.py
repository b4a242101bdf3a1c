"""GitHub workflow files, read and never run: what they push, and what to change so that less is."""
