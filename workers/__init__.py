"""When work happens: the Celery app, its tasks, the beat schedule and the sweep."""
