"""One task per event: read the row, book it, commit."""

from functools import cache

from celery import Celery
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from benchmarks.naive.models import Entry, Event, Invoice, Payment, Reminder, sessions
from runtime import clock, wiring

app = Celery("naive", broker=wiring.broker_url())
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    broker_connection_retry_on_startup=True,
)


@app.task
def settle(id_: int) -> None:
    """Books one event, unless it is booked already."""
    with _sessions().begin() as session:
        event = session.get(Event, id_, with_for_update=True)
        if event is None or event.state != "received":
            return
        _book(session, event)
        event.state = "done"
        event.settled_at = clock.now()


def _book(session: Session, event: Event) -> None:
    paid = event.payload["data"]["object"]
    known = select(Payment.id).where(Payment.reference == paid["id"])
    if session.scalar(known) is not None:
        return
    number = paid["metadata"]["invoice_id"]
    invoice = session.scalars(
        select(Invoice).where(Invoice.number == number).with_for_update()
    ).one()
    amount = paid["amount_received"]
    payment = Payment(
        reference=paid["id"],
        event_id=event.id,
        invoice_id=invoice.id,
        currency=paid["currency"],
        amount_minor=amount,
    )
    session.add(payment)
    session.flush()
    for account, debit, credit in (("cash", amount, 0), ("receivable", 0, amount)):
        session.add(
            Entry(
                payment_id=payment.id,
                invoice_id=invoice.id,
                account=account,
                debit_minor=debit,
                credit_minor=credit,
            )
        )
    invoice.paid_minor += amount
    invoice.updated_at = clock.now()
    if invoice.paid_minor >= invoice.total_minor:
        invoice.state = "paid"
        planned = (Reminder.invoice_id == invoice.id, Reminder.state == "planned")
        for reminder in session.scalars(select(Reminder).where(*planned)):
            reminder.state = "cancelled"


@cache
def _sessions() -> sessionmaker[Session]:
    return sessions()
