"""Sources: the files that policies were read from."""

from reconciler.model.base import Frozen


class PolicySource(Frozen):
    """One policy file that went into a plan."""

    path: str
    sha256: str
