"""What every gateway keeps to: the same laws over each, with its own capability table."""
