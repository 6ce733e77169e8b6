"""From what deliveries tell to what the books say, in a fixed number of statements."""
