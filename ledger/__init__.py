"""The books: every table, every SQL statement, every business act."""
