"""People and their tools."""
