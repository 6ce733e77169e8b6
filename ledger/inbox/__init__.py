"""What arrives from outside: kept once, claimed in turn, settled or shown to a person."""
