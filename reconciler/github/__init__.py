"""GitHub apart from its packages: its client, pull requests, and the files of a branch."""
