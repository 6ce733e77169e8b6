"""The `incasso` command."""
