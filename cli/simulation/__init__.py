"""A payment as a gateway would report it, and what comes of it."""
