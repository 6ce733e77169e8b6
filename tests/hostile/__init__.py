"""Input made to do harm: a catalogue of it, and what chance makes of genuine input."""
