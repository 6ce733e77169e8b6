"""The Celery application: its broker manners, its queues and its clockwork.

A message is a nudge and may be lost or doubled without harm, so these settings serve speed of
recovery; what makes every effect single are the rows it points at.
"""

from typing import Any

import structlog
from celery import Celery, Task, signals
from kombu.entity import Exchange, Queue

from domain.errors import TryLater
from runtime import logs, memory, priority
from runtime.settings import settings
from workers import broker

_log = structlog.get_logger(__name__)

MONEY, NETWORK, REMINDERS, SWEEP = "money", "network", "reminders", "sweep"

# Ten times what a child needs. One that grows beyond `worker_max_memory_per_child` ends after its
# task; what this stops is a single report that would take the machine with it.
_MOST_MEMORY_BYTES = 1024**3

_EXCHANGE = Exchange("incasso", type="direct")

# Without a socket timeout a half-open connection hangs for ever; without the retry the message in
# hand is lost at that timeout (both reproduced with Celery 5.7 on Redis).
_TRANSPORT = {
    "global_keyprefix": "incasso:",
    "visibility_timeout": 120,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 5,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "retry_on_timeout": True,
    "health_check_interval": 5,
}


def _configuration() -> dict[str, Any]:
    return {
        "broker_url": settings().broker_url,
        "broker_transport_options": _TRANSPORT,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 3,
        "task_queues": [
            Queue(name, _EXCHANGE, routing_key=name) for name in (MONEY, NETWORK, REMINDERS, SWEEP)
        ],
        "task_default_queue": MONEY,
        "task_default_exchange": _EXCHANGE.name,
        "task_default_routing_key": MONEY,
        "task_routes": {
            "events.*": {"queue": MONEY},
            "errands.*": {"queue": NETWORK},
            "reminders.*": {"queue": REMINDERS},
            "sweep.*": {"queue": SWEEP},
        },
        "task_create_missing_queues": False,
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "task_acks_on_failure": True,
        "task_acks_on_timeout": True,
        "task_ignore_result": True,
        "task_soft_time_limit": 45,
        "task_time_limit": 60,
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0.2, "interval_max": 0.5},
        "task_serializer": "json",
        "accept_content": ["json"],
        "event_serializer": "json",
        "worker_prefetch_multiplier": 1,
        "worker_cancel_long_running_tasks_on_connection_loss": True,
        "worker_soft_shutdown_timeout": 25,
        "worker_max_tasks_per_child": 10_000,
        "worker_max_memory_per_child": 300_000,
        "worker_eta_task_limit": 100,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "beat_schedule": _CLOCKWORK,
        "timezone": "UTC",
        "include": [
            "workers.events",
            "workers.reminders",
            "workers.errands",
            "workers.lookups",
            "workers.captures",
            "workers.closings",
            "workers.backfills",
            "workers.gaps",
            "workers.refunds",
        ],
    }


# A tick that was not taken up before the next one is due would only repeat it.
_CLOCKWORK = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in (
        ("sweep.nudge", 15.0),
        ("reminders.schedule", 60.0),
        ("reminders.write_due", 60.0),
        ("errands.run", 10.0),
        ("errands.look_up", 10.0),
        ("errands.capture", 10.0),
        ("errands.refund", 10.0),
        ("errands.close_sessions", 5.0),
        ("errands.backfill", 3600.0),
        ("errands.find_gaps", 900.0),
    )
}


class Patient(Task):  # type: ignore[misc] # Celery has no types
    """A task for which a busy world is no failure: its row waits, and the clock ticks again."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        try:
            return self.run(*given, **named)
        except TryLater as busy:
            _log.warning("world_is_busy", task=self.name, detail=str(busy))
            return None


broker.use()
app = Celery("incasso", task_cls=Patient)
app.config_from_object(_configuration())


@signals.setup_logging.connect
def _set_up_logging(**_: object) -> None:
    logs.set_up()


@signals.worker_process_init.connect
def _settle_down(**_: object) -> None:
    memory.settle_down()
    memory.bound(_MOST_MEMORY_BYTES)
    priority.give_way()
