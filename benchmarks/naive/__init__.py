"""The way it is usually built: a web framework, an ORM, and one Celery task per event.

As each library's own first pages show it, and no straw man: synchronous code in a thread pool, one
transaction per step, rows locked where two tasks could meet, a pool of connections, prefetching.
The bench says how it does beside the naive stack of the prototypes, which it must not fall behind.
"""
