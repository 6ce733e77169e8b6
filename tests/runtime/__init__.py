"""What every process needs to start."""
