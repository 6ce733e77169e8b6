"""What needs a person: the closed list of kinds, and one thing to look at."""

from dataclasses import dataclass
from enum import StrEnum

from domain.money import Money


class AttentionKind(StrEnum):
    """Why a person should look; one open row per kind and subject."""

    OVERPAID = "overpaid"
    UNKNOWN_INVOICE = "unknown_invoice"
    DRAFT_INVOICE = "draft_invoice"
    VOID_INVOICE = "void_invoice"
    OTHER_CURRENCY = "other_currency"
    OTHER_CLIENT = "other_client"
    UNAPPLIED = "unapplied"
    REFUNDED = "refunded"
    DISPUTED = "disputed"
    LOSS = "loss"
    DISPUTE_OPENED = "dispute_opened"
    FACT_DISAGREES = "fact_disagrees"
    DEAD_EVENT = "dead_event"
    OTHER_MODE = "other_mode"
    OTHER_ACCOUNT = "other_account"
    EVENT_DIFFERS = "event_differs"
    LETTER_FAILED = "letter_failed"
    LOOKUP_FAILED = "lookup_failed"
    CAPTURE_FAILED = "capture_failed"
    GATEWAY_SILENT = "gateway_silent"
    REFUND_UNTOLD = "refund_untold"
    REFUND_FAILED = "refund_failed"
    ATTEMPT_SILENT = "attempt_silent"


@dataclass(frozen=True, slots=True)
class Attention:
    """One thing to look at. `subject` names a row, as `payment:12` or `event:40`."""

    kind: AttentionKind
    subject: str
    money: Money | None = None
    detail: str | None = None
