"""Read GitHub workflow files, never run them: what they push, and how to push fewer versions."""
