"""What a customer sees of a hosted link, and what his click starts."""
