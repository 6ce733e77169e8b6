"""The message that tells workers to look into the inbox; it may be lost without harm."""

from collections.abc import Sequence

from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

# Whoever nudges has something better to do than to wait for a broker.
_TIMEOUT_SECONDS = 1
_IMPATIENT = {
    "socket_timeout": _TIMEOUT_SECONDS,
    "socket_connect_timeout": _TIMEOUT_SECONDS,
    "retry_on_timeout": False,
    "max_retries": 0,
}


class Nudges:
    """One thread's held connection to the broker; dropped at a failure and opened anew."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def send(self, ids: Sequence[int]) -> None:
        """Sends one message with these ids, once; raises what the broker's client raises."""
        self._send("events.settle", "money", [list(ids)])

    def hurry(self) -> None:
        """Sends word that somebody waits for an errand, once; raises as `send` does.

        The clock ticks for errands anyway.
        """
        for task in ("errands.capture", "errands.look_up"):
            self._send(task, "network", [])

    def go_on(self, task: str) -> None:
        """Sends word that a task had more to do than one turn has time for; raises as `send`."""
        self._send(task, "network", [])

    def ping(self) -> None:
        """Raises what the broker's client raises when the broker does not answer."""
        try:
            self._opened().channel.client.ping()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drops the connection; the next message opens another."""
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.release()

    def _send(self, task: str, queue: str, args: Sequence[object]) -> None:
        try:
            self._app.send_task(
                task, args=list(args), queue=queue, producer=self._opened(), retry=False
            )
        except BaseException:
            self.close()
            raise

    def _opened(self) -> Producer:
        if self._producer is None:
            self._connection = self._app.connection_for_write(
                connect_timeout=_TIMEOUT_SECONDS, transport_options=_IMPATIENT
            )
            self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)
        return self._producer
