"""What `reconciler action` is made of: how a step of a workflow is told, and how it tells."""
