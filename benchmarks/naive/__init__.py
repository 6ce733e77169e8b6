"""The way it is usually built: a web framework, an ORM, and one Celery task per event.

No straw man: synchronous code in a thread pool, one transaction per step, rows locked where two
tasks could meet, prefetching, and no statement that is not needed.
"""
