"""Verbs: pure functions from values to values. The same input gives the same output, always."""
