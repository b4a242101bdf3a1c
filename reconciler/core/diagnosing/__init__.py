"""Why each version of a repository is there, whether anything needs it, and how fast they grow."""
