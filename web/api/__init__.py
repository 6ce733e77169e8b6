"""The REST API: JSON in, JSON out, every amount exact."""
