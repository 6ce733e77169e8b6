"""Real processes under faults: what was accepted is settled, once, whatever dies meanwhile."""
