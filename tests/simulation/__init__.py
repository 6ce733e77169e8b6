"""A seeded simulator over the real ledger code and a real database: one thread, every fault."""
