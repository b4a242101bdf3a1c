"""A stand-in for GitHub Packages and ghcr.io on loopback, to rehearse on and to test against."""
