"""Hostile YAML made into a tree that knows its places, in bounded time and memory."""
