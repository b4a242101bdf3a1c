"""Nouns: frozen values that cannot hold a wrong state. No clock, file, network or terminal."""
