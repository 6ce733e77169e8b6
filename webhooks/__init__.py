"""Machines knock here: authenticate, keep, acknowledge."""
