"""Barriers taken away one by one: each time a test must fail."""
