"""What a change of policies does: two policies held against one inventory."""
