"""Why each version exists, whether anything needs it, and how many are added."""
