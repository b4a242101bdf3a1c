"""A first policy, from the tags that a repository has."""
