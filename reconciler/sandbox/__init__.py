"""A stand-in for GitHub's package API and registry, on loopback, to rehearse and test against."""
