"""One foreign dialect each: how a gateway proves itself, what it says, what answer it wants."""
