"""What a version is, what keeps it, and when it goes."""
