"""Reports that explain, diagnose, check and propose; nothing here decides what is deleted."""
