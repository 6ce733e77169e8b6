"""Stores that Incasso brings along: a PostgreSQL and a Redis of its own, on unix sockets."""
