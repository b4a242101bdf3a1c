"""Which version of the program this is, and where it is published."""

__version__ = "0.1.0"

DISTRIBUTION = "registry-reconciler"
"""The name in the package index. The name `reconciler` is somebody else's there."""

SOURCE = "OWNER/reconciler"
"""The public repository, `owner/name`. `python -m tools.release own OWNER/NAME` writes it here and
wherever a page or a file names it; see CONTRIBUTING.md."""

COMMIT = ""
"""The commit that a release is built from, 40 hexadecimal digits; empty in a clone."""
