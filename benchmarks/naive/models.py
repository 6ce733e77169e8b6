"""Tables of the naive baseline: what one would write first."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from runtime import wiring

_INSTANT = TIMESTAMP(timezone=True)


class Base(DeclarativeBase):
    """Every table has a number."""

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)


class Event(Base):
    """A webhook as it came."""

    __tablename__ = "events"
    event_id: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(default="received")
    received_at: Mapped[datetime] = mapped_column(_INSTANT, server_default=func.now())
    settled_at: Mapped[datetime | None] = mapped_column(_INSTANT)


class Invoice(Base):
    """What is owed, and what came of it; amounts in minor units."""

    __tablename__ = "invoices"
    number: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    paid_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    updated_at: Mapped[datetime] = mapped_column(_INSTANT, server_default=func.now())


class Payment(Base):
    """Money that came."""

    __tablename__ = "payments"
    reference: Mapped[str] = mapped_column(unique=True)
    event_id: Mapped[int] = mapped_column(BigInteger)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("invoices.id"), index=True)
    currency: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(_INSTANT, server_default=func.now())


class Entry(Base):
    """One side of a double entry."""

    __tablename__ = "entries"
    payment_id: Mapped[int] = mapped_column(BigInteger)
    invoice_id: Mapped[int] = mapped_column(BigInteger, index=True)
    account: Mapped[str]
    debit_minor: Mapped[int] = mapped_column(BigInteger)
    credit_minor: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(_INSTANT, server_default=func.now())


class Reminder(Base):
    """A letter to be sent when nothing comes."""

    __tablename__ = "reminders"
    invoice_id: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(_INSTANT)
    state: Mapped[str]


Index("events_waiting", Event.id, postgresql_where=Event.state == "received")
Index("reminders_planned", Reminder.invoice_id, postgresql_where=Reminder.state == "planned")


def sessions() -> sessionmaker[Session]:
    """Sessions of this process; to be made after the fork."""
    url = make_url(wiring.database_url()).set(drivername="postgresql+psycopg")
    return sessionmaker(create_engine(url, pool_size=20, max_overflow=10))
