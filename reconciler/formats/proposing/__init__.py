"""Files that `init` writes: a policy, its test, and the workflow that uses both."""
