"""One registry kind per file, each an implementation of the ports in `model.ports`."""
