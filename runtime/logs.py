"""One form for every line of every process: structlog's own and that of the libraries."""

import logging
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from structlog.types import EventDict, Processor

from runtime.settings import settings

_GONE = frozenset(
    "address api_key authorization body city cookie customer dsn email headers iban ibans name"
    " parameters password payload phone raw secret secrets signature street token".split()
)
_MASK = "[redacted]"

# Secrets and personal data by their shape, wherever a message or a traceback may carry them.
_SHAPES = re.compile(
    r"""
      (?P<kept>://)[^\s/@:]*:[^\s/@]+(?=@)                      # user and password in an address
    | \b(?:whsec|sk|rk|pk)_[A-Za-z0-9_]{4,}                     # keys of gateways
    | (?i:bearer|basic)\ +[A-Za-z0-9+/=._~-]{8,}                # what an Authorization header has
    | [A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+       # e-mail
    | \b[A-Z]{2}[0-9]{2}(?:\ ?[A-Z0-9]{4}){2,7}(?:\ ?[A-Z0-9]{1,3})?\b   # IBAN
    | (?i:(?:/|%2F)pay(?:/|%2F))[A-Za-z0-9_-]{16,}              # the token of a hosted link
    | DETAIL:.*                                                 # where PostgreSQL shows the row
    """,
    re.VERBOSE,
)
_CARD = re.compile(r"(?<![0-9])[0-9](?:[ -]?[0-9]){12,18}(?![0-9])")


def set_up() -> None:
    """Sends every log line of this process to standard error, redacted, as the settings say."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redact,
            _renderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings().log_level.upper())
    _hush_libraries()
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def redact(_: object, __: str, event: EventDict) -> EventDict:
    """Drops what is known to be secret or personal, and masks what looks like it."""
    return {key: _masked(value) for key, value in event.items() if key not in _GONE}


def _hush_libraries() -> None:
    """Libraries hand their lines up to us; a line per request or message would drown the rest."""
    ticks = ("celery.beat", "celery.worker.strategy", "celery.app.trace")
    for name in ("uvicorn.access", "alembic", *ticks):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "celery", "kombu"):
        logger = logging.getLogger(name)
        logger.handlers[:] = []
        logger.propagate = True


def _renderer() -> Processor:
    if settings().log_format == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=False, pad_event_to=24)


def _masked(value: Any) -> Any:
    match value:
        case str():
            return _CARD.sub(_card, _SHAPES.sub(_shape, value))
        case bytes():
            return f"{len(value)} bytes"
        case Mapping():
            return {key: _masked(inner) for key, inner in value.items() if key not in _GONE}
        case Sequence():
            return [_masked(inner) for inner in value]
        case _:
            return value


def _shape(found: re.Match[str]) -> str:
    return (found["kept"] or "") + _MASK


def _card(found: re.Match[str]) -> str:
    """Only what passes the check of card numbers: our own long ids stay readable."""
    digits = [int(sign) for sign in found[0] if sign.isdigit()]
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return found[0] if (sum(digits[-1::-2]) + sum(doubled)) % 10 else _MASK


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
