"""Packages made cause by cause, each version labelled with the habit that made it."""
