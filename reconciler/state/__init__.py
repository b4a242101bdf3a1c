"""One state backend per file: journal, observations and lock of each repository."""
