"""A customer of a pretend gateway pays an invoice through its link; what the gateway tells is real.

Nothing is posted by us but forgeries: a gateway of the sandbox knows the payment, as the real one
would, so that it can be asked about it.
"""

from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic

import httpx

from cli import naming
from cli.simulation import forging, outcome, play
from cli.simulation.forging import Forged
from cli.simulation.play import Wish
from cli.simulation.post import Answer
from cli.simulation.pretence import Pretence
from cli.simulation.screen import Story
from cli.simulation.sisters import Event
from domain.errors import Refused
from domain.invoices import Standing
from domain.money import Money, decimal_text
from gateways.port import Gateway
from ledger.books import invoices
from ledger.links import granting
from ledger.links.granting import Terms
from ledger.store import Books, Store
from runtime.hosted import Hosted


@dataclass(frozen=True, slots=True)
class Shop:
    """Where it is played: the books, what links are made with, who plays, the present moment."""

    store: Store
    hosted: Hosted
    actor: str
    now: datetime
    today: date


def walk(shop: Shop, far: Pretence, wish: Wish) -> Story:
    """Pays as a customer does, waits until all that was told is settled, and reads the books.

    Refused where the link would not take it: more than is open, or a currency of none of the
    gateway's.
    """
    with shop.store.snapshot() as books:
        invoice = naming.invoice_to_pay(books, wish.invoice)
        before = outcome.shown(books, invoice, shop.today)
        mark = outcome.mark(books, far.name, invoice.id)
        paying = _payable(books, invoice, wish, shop.hosted.gateways[far.name], far.title)
    said, started = far.told(), monotonic()
    answers = _forge(shop, far, invoice, paying, wish) if wish.is_forged else []
    settled_seconds = None
    if not wish.is_forged:
        link = _link(shop, invoice, takes_parts=wish.amount is not None)
        with far.troubled(wish.copies, is_shuffled=wish.is_shuffled):
            far.pay(link, wish.amount and decimal_text(paying))
            settled_seconds = outcome.paid_after(shop.store, mark, far.is_quiet, started)
    with shop.store.snapshot() as books:
        payment, events = mark.payment_since(books), mark.events(books)
        after = outcome.read(books, invoice.id, payment, events, shop.today)
    sent = None if wish.is_forged else far.sent(said)
    name = invoice.number or wish.invoice
    return Story(far.title, name, str(paying), answers, before, after, settled_seconds, sent)


def is_as_hoped(story: Story) -> bool:
    """Whether it was paid and every delivery was taken, or every forged one left no trace."""
    if story.sent is None:
        is_untouched = story.after.invoice == story.before and not story.after.events
        return is_untouched and not any(answer.is_taken for answer in story.answers)
    return story.after.payment is not None and not story.sent.refused


def _payable(books: Books, invoice: Standing, wish: Wish, gateway: Gateway, title: str) -> Money:
    paying = play.amount(invoice, wish.amount)
    if paying.minor > invoice.open_minor:
        open_ = Money(invoice.currency, invoice.open_minor)
        raise Refused("beyond_open", f"a customer pays at most what is open there, {open_}")
    if not gateway.serves(invoice.currency):
        first = invoices.page(books, invoices.Wanted(), after=0, most=100)
        some = [each.number for each in first if each.is_open and gateway.serves(each.currency)]
        hint = f"; {', '.join(filter(None, some[:5]))} can be paid there" if some else ""
        raise Refused("unsupported", f"{title} takes no {invoice.currency}{hint}")
    return paying


def _link(shop: Shop, invoice: Standing, *, takes_parts: bool) -> str:
    """The invoice's own, as `incasso payment-link` prints it; for a part it takes parts."""
    secret = shop.hosted.secret
    terms = Terms(takes_parts=True if takes_parts else None)
    granted = shop.store.act(
        lambda books: granting.grant(
            books,
            granting.of_invoice(books, invoice.id),
            terms,
            secret,
            shop.actor,
            shop.now,
        )
    )
    return shop.hosted.address(granted.token)


def _forge(shop: Shop, far: Pretence, invoice: Standing, paying: Money, wish: Wish) -> list[Answer]:
    order = f"{invoice.number}-1"
    forged = forging.forged(far, order, decimal_text(paying), paying.currency, shop.now)
    address = f"{shop.hosted.base_url.rstrip('/')}/webhooks/{forged.path}"
    return [_posted(far, forged, address) for _ in range(wish.copies)]


def _posted(far: Pretence, forged: Forged, address: str) -> Answer:
    started = monotonic()
    try:
        answer = far.browser.post(address, content=forged.body, headers=dict(forged.headers))
    except httpx.TransportError as error:
        raise Refused(
            "nothing_running", f"nobody answers at {address}: start it with `make run`"
        ) from error
    event = Event("forged", forged.kind, "")
    is_taken = forged.judge(answer) == "taken"
    return Answer(event, answer.status_code, monotonic() - started, is_taken)
