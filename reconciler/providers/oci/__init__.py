"""Registries that implement the OCI distribution specification."""
