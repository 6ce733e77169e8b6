"""Where every posting of an invoice comes from: its act, its facts, and the deliveries behind them.

A fact names the delivery that changed it last; the act names all that were settled with it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ledger.store import Books

_MOST = 2_000


@dataclass(frozen=True, slots=True)
class ActRow:
    """Who did it and why; `events` are the inbox rows a machine settled in it, none by a person."""

    id: int
    actor: str
    act: str
    reason: str | None
    recorded_at: datetime
    events: Sequence[int]


@dataclass(frozen=True, slots=True)
class FactRow:
    """What is known of money that moved, and what told it; the amount in minor units.

    `event` is the number of the event that `event_id` names at its gateway, `sha256` the hash of
    its body byte for byte, in hex.
    """

    id: int
    payment_id: int
    reference: str
    move: str
    item: str
    status: str
    fact_class: str
    currency: str
    amount_minor: int
    happened_at: datetime
    event: int
    event_id: str
    gateway: str
    account: str
    event_kind: str
    event_source: str
    received_at: datetime
    sha256: str


@dataclass(frozen=True, slots=True)
class MovementRow:
    """A posting; the amount in minor units."""

    id: int
    kind: str
    source: str
    destination: str
    currency: str
    amount_minor: int
    payment_id: int | None
    invoice_id: int | None
    reverses: int | None
    effective_on: date
    act_id: int
    fact_id: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """A posting with all that stands behind it.

    `facts` is the one that moved the money; where a rule of ours or a person moved it on, all that
    is known of its payment; nothing where no payment is involved.
    """

    posting: MovementRow
    act: ActRow
    facts: Sequence[FactRow]


def of_invoice(books: Books, invoice_id: int) -> list[Origin]:
    """Every posting of the invoice and of its payments, in the order they were made.

    Its payments are those meant for it or ever applied to it. Three statements; at most 2,000
    postings. Open on a snapshot.
    """
    movements = books.rows(MovementRow, _MOVEMENTS, id=invoice_id, most=_MOST)
    act_ids = sorted({each.act_id for each in movements})
    acts = {row.id: row for row in books.rows(ActRow, _ACTS, ids=act_ids)}
    payment_ids = sorted({each.payment_id for each in movements if each.payment_id is not None})
    facts: dict[int, list[FactRow]] = defaultdict(list)
    for row in books.rows(FactRow, _FACTS, ids=payment_ids):
        facts[row.payment_id].append(row)
    return [Origin(each, acts[each.act_id], _behind(each, facts)) for each in movements]


def _behind(posting: MovementRow, facts: Mapping[int, Sequence[FactRow]]) -> Sequence[FactRow]:
    if posting.payment_id is None:
        return ()
    known = facts.get(posting.payment_id, ())
    return [fact for fact in known if posting.fact_id in (None, fact.id)]


_MOVEMENTS = """
SELECT id, kind, source, destination, currency, amount_minor, payment_id, invoice_id, reverses,
       effective_on, act_id, fact_id
FROM postings
WHERE invoice_id = :id OR payment_id IN (
    SELECT payment_id FROM intents WHERE invoice_id = :id
    UNION SELECT payment_id FROM postings WHERE invoice_id = :id AND payment_id IS NOT NULL)
ORDER BY id LIMIT :most
"""
_ACTS = """
SELECT id, actor, act, reason, recorded_at,
       ARRAY(SELECT CAST(event AS bigint)
             FROM jsonb_array_elements_text(coalesce(after -> 'inbox', '[]')) AS event)
FROM journal WHERE id = ANY (CAST(:ids AS bigint[]))
"""
_FACTS = """
SELECT f.id, m.id, f.reference, f.move, f.item, f.status, f.class, f.currency, f.amount_minor,
       f.happened_at, i.id, i.event_id, i.gateway, i.account, i.kind, i.source, i.received_at,
       encode(i.sha256, 'hex')
FROM payments m
JOIN facts f ON (f.gateway, f.account, f.reference) = (m.gateway, m.account, m.gateway_reference)
JOIN inbox i ON i.id = f.inbox_id
WHERE m.id = ANY (CAST(:ids AS bigint[]))
ORDER BY f.id
"""
