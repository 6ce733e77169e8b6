"""The REST API, over its real server and a real PostgreSQL."""
