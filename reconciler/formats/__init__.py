"""One output format per file: a plan in, text out, nothing else touched."""
