"""Errands: claim a row, do what it asks outside any transaction, close it with its fence."""

import structlog

from domain import letters
from domain.attention import Attention, AttentionKind
from gateways import mailbox
from gateways.mailbox import Mail
from ledger.books import attention
from ledger.letters import claiming, outbox
from ledger.letters.claiming import Addressed
from ledger.store import Store
from runtime import clock, wiring
from runtime.settings import settings
from workers.app import app
from workers.reminders import is_money_known

log = structlog.get_logger(__name__)

_MOST_LETTERS = 500
_PATIENCE_SECONDS = 5.0
_NO_ADDRESS = "the client has no e-mail address"


@app.task(name="errands.run")
def run_errands() -> None:
    """Sends the letters that are due, one by one, each judged again at its own moment."""
    store = wiring.store()
    for _ in range(_MOST_LETTERS):
        if not is_money_known(store, _PATIENCE_SECONDS) or not send_next(store):
            return


def send_next(store: Store) -> bool:
    """Claims the next due letter and puts it into the mailbox; answers whether there was one.

    Dying between the two is harmless: the lease runs out and the same file is written again.
    """
    with store.transaction() as books:
        claimed = claiming.claim(books, clock.now())
    if claimed is None:
        return False
    if claimed == "cancelled":
        return True
    if claimed.recipient is not None:
        mailbox.put(settings().local_dir / "mailbox", _mail(claimed, claimed.recipient))
    with store.transaction() as books:
        if claimed.recipient is None:
            is_ours = outbox.fail(books, claimed.leased, _NO_ADDRESS)
            notice = Attention(
                AttentionKind.LETTER_FAILED, claimed.leased.subject, None, _NO_ADDRESS
            )
            attention.open_all(books, [notice])
        else:
            is_ours = outbox.finish(books, claimed.leased)
    log.info("letter_closed", errand=claimed.leased.id, is_ours=is_ours)
    return True


def _mail(claimed: Addressed, recipient: str) -> Mail:
    letter = letters.reminder(claimed.overdue, claimed.step_days, claimed.language)
    return Mail(
        key=claimed.leased.key,
        sender=settings().mail_from,
        recipient=recipient,
        subject=letter.subject,
        text=letter.text,
        at=clock.now(),
    )
