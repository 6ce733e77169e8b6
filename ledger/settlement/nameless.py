"""Money that went back, told by a gateway that has no names for it: which refund of ours it is."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from domain import refunds
from domain.facts import Fact, FactKey, Move, Report, Status
from domain.money import Money
from domain.refunds import Ours, RefundState
from ledger.settlement.naming import Reference, Told, reference_of
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class Named:
    """The reports, those of refunds of ours under their keys; `told` has when each was told of."""

    told: Told
    ours: Mapping[FactKey, datetime]


def name(books: Books, told: Told, known: Mapping[FactKey, Fact]) -> Named:
    """Gives what went back without a name that of the refund of ours that it must be.

    Hold the payments' main names. What is not sure stays nameless, so that a person is asked.
    """
    if not any(_is_nameless(report) for _, report in told):
        return Named(told, {})  # nearly always
    ours = _ours(books, {reference_of(report) for _, report in told if _is_nameless(report)})
    named, moments = [], dict[FactKey, datetime]()
    for inbox_id, report in told:
        said = _meant(report, ours, known) if _is_nameless(report) else report
        if said.fact.key != report.fact.key and not said.is_nameless:
            moments[said.fact.key] = report.fact.happened_at
        named.append((inbox_id, said))
    return Named(named, moments)


def _is_nameless(report: Report) -> bool:
    fact = report.fact
    is_gone = fact.key.move is Move.OUT and fact.status is Status.SUCCEEDED
    return report.is_nameless and is_gone and report.doubt is None


def _meant(
    report: Report, ours: Mapping[Reference, list[Ours]], known: Mapping[FactKey, Fact]
) -> Report:
    """The report as one of a refund of ours; as it is where it is none, or was told before."""
    fact, reference = report.fact, reference_of(report)
    before = known.get(fact.key)
    if before is not None and before.happened_at == fact.happened_at:
        return report
    meant, is_sure = refunds.told_of(ours.get(reference, ()), fact.money, fact.happened_at)
    if meant is None or (before is not None and not is_sure):
        return report
    if is_sure:
        mine = ours[reference]
        mine[mine.index(meant)] = replace(meant, told_at=fact.happened_at, state=RefundState.DONE)
    said = replace(fact, key=fact.key._replace(item=meant.item))
    return replace(report, fact=said, is_nameless=not is_sure)


@dataclass(frozen=True, slots=True)
class _Row:
    gateway: str
    account: str
    reference: str
    item: str
    currency: str
    amount_minor: int
    state: str
    created_at: datetime
    closed_at: datetime | None
    told_at: datetime | None

    @property
    def ours(self) -> Ours:
        money = Money(self.currency, self.amount_minor)
        return Ours(
            self.item,
            money,
            RefundState(self.state),
            self.created_at,
            self.closed_at,
            self.told_at,
        )


def _ours(books: Books, references: set[Reference]) -> dict[Reference, list[Ours]]:
    """The refunds of ours of these payments that may have gone, oldest first."""
    rows = books.rows(
        _Row,
        """
        SELECT p.gateway, p.account, p.gateway_reference AS reference,
               coalesce(r.item, 'refund:' || r.id) AS item, r.currency, r.amount_minor, r.state,
               r.created_at, r.closed_at, r.told_at
        FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, reference)
        JOIN payments p ON (p.gateway, p.account, p.gateway_reference)
                         = (told.gateway, told.account, told.reference)
        JOIN refunds r ON r.payment_id = p.id
        WHERE r.state IN ('sent', 'unknown', 'done')
           OR (r.state = 'open' AND EXISTS (
               SELECT FROM outbox o
               WHERE o.key = 'refund:' || r.id
                 AND o.attempts > coalesce(CAST(o.body ->> 'refused' AS integer), 0)))
        ORDER BY r.id
        """,
        **columns(sorted(references), ("gateways", "accounts", "references")),
    )
    found = defaultdict[Reference, list[Ours]](list)
    for row in rows:
        found[row.gateway, row.account, row.reference].append(row.ours)
    return found
