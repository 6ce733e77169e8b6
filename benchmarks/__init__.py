"""How fast Incasso is, beside what the same server does at best: `make bench`."""
