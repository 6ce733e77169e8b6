"""What every process needs to start: settings, wiring, clock, logging, metrics."""
