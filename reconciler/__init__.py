"""Declarative retention for container registries: policy in, plan, apply, log."""

__version__ = "0.1.0"
