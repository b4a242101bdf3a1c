"""Sequence over ports: observe a registry, apply a plan, resolve what a dead run left open."""
