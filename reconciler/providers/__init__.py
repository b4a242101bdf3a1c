"""Registries: one package for each kind, each an implementation of the ports in `model.ports`."""
