"""Stands in for a library that the prototype imports; its naive stack does not call it."""
