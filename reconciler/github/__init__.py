"""GitHub apart from its packages: the conversation of a pull request."""
