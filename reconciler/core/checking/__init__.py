"""What a scheduled look finds wrong: work that waits, runs that died, images that are broken."""
