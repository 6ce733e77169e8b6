"""Errands: claim a row, do what it asks outside any transaction, close it with its fence."""

from datetime import timedelta
from typing import assert_never

import structlog

from domain import letters
from domain.attention import Attention, AttentionKind
from gateways import mailbox
from gateways.mailbox import Mail
from ledger import outbox
from ledger.books import attention
from ledger.letters import claiming
from ledger.letters.claiming import Addressed, Closed, PassedOver
from ledger.links import granting
from ledger.store import Store
from runtime import clock, hosted, wiring
from runtime.settings import settings
from workers.app import app
from workers.reminders import is_money_known

log = structlog.get_logger(__name__)

_MOST_LETTERS = 500
_MOST_TRIES = 5
_PATIENCE_SECONDS = 5.0
_FRESH = timedelta(seconds=10)
_NO_ADDRESS = "the client has no e-mail address"


@app.task(name="errands.run")
def run_errands() -> None:
    """Sends the letters that are due, one by one, each judged again at its own moment."""
    store = wiring.store()
    if not is_money_known(store, _PATIENCE_SECONDS):
        return
    passed_over: set[int] = set()
    for _ in range(_MOST_LETTERS):
        if not send_next(store, passed_over):
            return


def send_next(store: Store, passed_over: set[int]) -> bool:
    """Claims the next due letter and sends it; answers whether there was one to look at.

    One that has to wait joins those passed over, so that it keeps no other letter waiting.
    """
    with store.transaction() as books:
        claimed = claiming.claim(books, clock.now(), passed_over)
    match claimed:
        case None:
            return False
        case Addressed():
            passed_over.add(claimed.leased.id)
            _send(store, claimed)
        case Closed(errand_id) | PassedOver(errand_id):
            passed_over.add(errand_id)
        case _:
            assert_never(claimed)
    return True


def _send(store: Store, claimed: Addressed) -> None:
    """Puts a claimed letter into the mailbox and closes its errand.

    Dying between the two is harmless: the lease runs out and the same file is written again.
    """
    if claimed.recipient is None:
        return _give_up(store, claimed, _NO_ADDRESS)
    try:
        mail = _mail(claimed, claimed.recipient, _pay_at(store, claimed))
        if clock.now() - claimed.claimed_at > _FRESH:
            return _put_off(store, claimed, "it was claimed too long ago")
        mailbox.put(settings().local_dir / "mailbox", mail)
    except Exception as error:
        log.exception("letter_failed", errand=claimed.leased.id)
        reason = type(error).__name__
        if claimed.leased.attempts >= _MOST_TRIES:
            return _give_up(store, claimed, f"tried {_MOST_TRIES} times: {reason}")
        return _put_off(store, claimed, reason)
    with store.transaction() as books:
        is_ours = outbox.finish(books, claimed.leased)
    log.info("letter_sent", errand=claimed.leased.id, is_ours=is_ours)
    return None


def _put_off(store: Store, claimed: Addressed, reason: str) -> None:
    later = clock.now() + timedelta(minutes=2 ** (claimed.leased.attempts - 1))
    with store.transaction() as books:
        outbox.put_off(books, claimed.leased, later, reason)


def _give_up(store: Store, claimed: Addressed, reason: str) -> None:
    notice = Attention(AttentionKind.LETTER_FAILED, claimed.leased.subject, None, reason)
    with store.transaction() as books:
        if outbox.fail(books, claimed.leased, reason):
            attention.open_all(books, [notice])


def _pay_at(store: Store, claimed: Addressed) -> str | None:
    """Where the letter's invoice is paid; None where there is no secret to make a link with.

    None, too, where a person revoked the link.
    """
    made_with = hosted.from_settings()
    if made_with.secret_key is None:
        return None
    invoice_id = int(claimed.leased.subject.removeprefix("invoice:"))
    with store.transaction() as books:
        target = granting.of_invoice(books, invoice_id)
        token = granting.for_letter(books, target, made_with.secret, clock.now())
    return None if token is None else f"{made_with.address(token)}?lang={claimed.language}"


def _mail(claimed: Addressed, recipient: str, pay_at: str | None) -> Mail:
    letter = letters.reminder(claimed.overdue, claimed.step_days, claimed.language, pay_at)
    return Mail(
        key=claimed.leased.key,
        sender=settings().mail_from,
        recipient=recipient,
        subject=letter.subject,
        text=letter.text,
        at=clock.now(),
    )
