"""Parse untrusted YAML to a tree with lines and columns, in bounded time and memory."""
