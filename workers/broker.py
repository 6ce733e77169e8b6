"""The line on which a worker listens to the broker, with a fault of its client mended.

With `retry_on_timeout`, which spares the message in hand, redis-py 8.1 retries every read once: a
broadcast line that broke is opened anew in the middle of the read, which then waits, without any
timeout, for the next broadcast. Kombu 5.7 reads it in the worker's only thread: the worker lives,
and takes no task any more (seen in three of three cuts). Here a broken line is told at once, and
the worker opens all of its lines anew.
"""

from typing import Any

from kombu import transport
from kombu.transport import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Channel(redis.Channel):
    """A channel whose broadcasts are read once."""

    def _receive_one(self, listening: Any) -> Any:
        if listening.connection is not None:
            listening.connection.retry = Retry(NoBackoff(), 0)
        return super()._receive_one(listening)  # type: ignore[no-untyped-call] # Kombu is half annotated


class Transport(redis.Transport):
    """Kombu's transport, on these channels."""

    Channel = Channel


def use() -> None:
    """From now on addresses of Redis lead here, in this process."""
    for scheme in ("redis", "rediss"):
        transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"
