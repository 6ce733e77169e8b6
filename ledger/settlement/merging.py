"""What reports tell, joined with what is known: the facts of every payment a batch touches."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from domain.attention import Attention, AttentionKind
from domain.facts import Fact, FactClass, FactKey, Move, Report, Status, Trust, disagree, join
from domain.money import Money
from domain.settlement import KnownFact
from ledger.store import Books, columns

Reference = tuple[str, str, str]  # gateway, account, the gateway's main name of a payment


@dataclass(frozen=True, slots=True)
class Merged:
    """Every fact of the touched payments, joined and written.

    `newly_meant` has the payments that were told for the first time what they are meant for.
    """

    facts: Mapping[Reference, Sequence[KnownFact]]
    newly_meant: Set[Reference]
    attention: Sequence[Attention]

    def meant_for(self) -> dict[Reference, str]:
        """Our own reference as the gateway echoes it, for every payment that was told one."""
        return {
            reference: known.fact.meant_for
            for reference, group in self.facts.items()
            for known in group
            if known.fact.meant_for is not None
        }


def merge(books: Books, told: Mapping[int, Sequence[Report]]) -> Merged:
    """Joins the reports of each inbox row, by row id, into the facts.

    Locks the main name of every payment touched, in key order: whoever settles a payment holds it,
    so two batches never fold the same payment from two halves of its facts.
    """
    reports = [(inbox_id, report) for inbox_id in sorted(told) for report in told[inbox_id]]
    references = sorted({_reference(report.fact.key) for _, report in reports})
    attention = _name(books, reports, references)
    kept = _known(books, references)
    join_ = _Joining({row.key: row for row in kept})
    for inbox_id, report in reports:
        join_.take(report.fact, inbox_id)
    ids = {row.key: row.id for row in kept} | _write(books, join_.changed())
    facts = sorted(
        (KnownFact(ids[key], fact) for key, fact in join_.facts.items()),
        key=lambda known: known.fact.key,
    )
    return Merged(
        {
            reference: tuple(group)
            for reference, group in groupby(facts, key=lambda known: _reference(known.fact.key))
        },
        join_.newly_meant(),
        [*attention, *join_.attention],
    )


@dataclass(frozen=True, slots=True)
class _FactRow:
    id: int
    gateway: str
    account: str
    reference: str
    move: str
    item: str
    status: str
    fact_class: str
    currency: str
    amount_minor: int
    trust: int
    happened_at: datetime
    meant_for: str | None

    @property
    def key(self) -> FactKey:
        return FactKey(self.gateway, self.account, self.reference, Move(self.move), self.item)

    @property
    def fact(self) -> Fact:
        return Fact(
            key=self.key,
            status=Status(self.status),
            fact_class=FactClass(self.fact_class),
            money=Money(self.currency, self.amount_minor),
            trust=Trust(self.trust),
            happened_at=self.happened_at,
            meant_for=self.meant_for,
        )


@dataclass(slots=True)
class _Joining:
    """The facts while reports are joined in; what changed is written, what clashed is flagged."""

    rows: Mapping[FactKey, _FactRow]
    facts: dict[FactKey, Fact] = field(init=False)
    sources: dict[FactKey, int] = field(default_factory=dict)
    attention: list[Attention] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.facts = {key: row.fact for key, row in self.rows.items()}

    def take(self, told: Fact, inbox_id: int) -> None:
        known = self.facts.get(told.key)
        joined = told if known is None else join(known, told)
        if known is not None and disagree(known, told):
            self.attention.append(_clash(told, inbox_id))
        if joined != known:
            self.facts[told.key] = joined
            self.sources[told.key] = inbox_id

    def changed(self) -> list[tuple[Fact, int]]:
        return [(self.facts[key], inbox_id) for key, inbox_id in sorted(self.sources.items())]

    def newly_meant(self) -> Set[Reference]:
        """Only the first word counts: a person may have unlinked the payment since."""
        before = {_reference(key) for key, row in self.rows.items() if row.meant_for is not None}
        now = {_reference(key) for key, fact in self.facts.items() if fact.meant_for is not None}
        return now - before


def _reference(key: FactKey) -> Reference:
    return key.gateway, key.account, key.reference


def _clash(told: Fact, inbox_id: int) -> Attention:
    return Attention(
        kind=AttentionKind.FACT_DISAGREES,
        subject=f"event:{inbox_id}",
        money=told.money,
        detail=f"{told.key.reference} was reported with another currency or invoice",
    )


@dataclass(frozen=True, slots=True)
class _Clash:
    name: str
    reference: str
    kept_reference: str


def _name(
    books: Books, reports: Iterable[tuple[int, Report]], references: Sequence[Reference]
) -> list[Attention]:
    """Writes every name told, locks the main names, and flags a name that means two payments."""
    told = sorted(
        {
            (report.fact.key.gateway, report.fact.key.account, name, report.fact.key.reference)
            for _, report in reports
            for name in (report.fact.key.reference, *report.names)
        }
    )
    names = columns(told, ("gateways", "accounts", "names", "references"))
    books.run(
        """
        INSERT INTO payment_names (gateway, account, name, reference)
        SELECT * FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                             CAST(:names AS text[]), CAST(:references AS text[]))
        ON CONFLICT ON CONSTRAINT payment_names_pkey DO NOTHING
        """,
        **names,
    )
    books.run(
        """
        SELECT FROM payment_names n
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, reference)
          ON (n.gateway, n.account, n.name) = (told.gateway, told.account, told.reference)
        ORDER BY n.gateway, n.account, n.name
        FOR NO KEY UPDATE OF n
        """,
        **columns(references, ("gateways", "accounts", "references")),
    )
    clashes = books.rows(
        _Clash,
        """
        SELECT n.name, told.reference, n.reference FROM payment_names n
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:names AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, name, reference)
          ON (n.gateway, n.account, n.name) = (told.gateway, told.account, told.name)
        WHERE n.reference <> told.reference
        """,
        **names,
    )
    return [
        Attention(
            kind=AttentionKind.FACT_DISAGREES,
            subject=f"name:{clash.name}",
            detail=f"{clash.name} means {clash.kept_reference} and {clash.reference}",
        )
        for clash in clashes
    ]


def _known(books: Books, references: Sequence[Reference]) -> list[_FactRow]:
    return books.rows(
        _FactRow,
        """
        SELECT f.id, f.gateway, f.account, f.reference, f.move, f.item, f.status, f.class,
               f.currency, f.amount_minor, f.trust, f.happened_at, f.meant_for
        FROM facts f
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                    CAST(:references AS text[])) AS told (gateway, account, reference)
          ON (f.gateway, f.account, f.reference) = (told.gateway, told.account, told.reference)
        """,
        **columns(references, ("gateways", "accounts", "references")),
    )


@dataclass(frozen=True, slots=True)
class _WrittenRow:
    id: int
    gateway: str
    account: str
    reference: str
    move: str
    item: str


def _write(books: Books, changed: Sequence[tuple[Fact, int]]) -> dict[FactKey, int]:
    """Inserts new facts and overwrites grown ones, in key order; answers their row numbers."""
    names = (
        *("gateways", "accounts", "references", "moves", "items", "statuses", "classes"),
        *("currencies", "amounts", "trusts", "instants", "meant", "inbox_ids"),
    )
    written = books.rows(
        _WrittenRow,
        """
        INSERT INTO facts AS f (gateway, account, reference, move, item, status, class, currency,
                                amount_minor, trust, happened_at, meant_for, inbox_id)
        SELECT * FROM unnest(
            CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:references AS text[]),
            CAST(:moves AS text[]), CAST(:items AS text[]), CAST(:statuses AS text[]),
            CAST(:classes AS text[]), CAST(:currencies AS text[]), CAST(:amounts AS bigint[]),
            CAST(:trusts AS smallint[]), CAST(:instants AS timestamptz[]), CAST(:meant AS text[]),
            CAST(:inbox_ids AS bigint[]))
        ON CONFLICT ON CONSTRAINT facts_once DO UPDATE SET
            status = excluded.status, class = excluded.class, currency = excluded.currency,
            amount_minor = excluded.amount_minor, trust = excluded.trust,
            happened_at = excluded.happened_at, meant_for = excluded.meant_for,
            inbox_id = excluded.inbox_id
        RETURNING f.id, f.gateway, f.account, f.reference, f.move, f.item
        """,
        **columns([_fact_columns(fact, inbox_id) for fact, inbox_id in changed], names),
    )
    return {
        FactKey(row.gateway, row.account, row.reference, Move(row.move), row.item): row.id
        for row in written
    }


def _fact_columns(fact: Fact, inbox_id: int) -> tuple[object, ...]:
    key = fact.key
    return (
        *(key.gateway, key.account, key.reference, key.move.value, key.item),
        *(fact.status.value, fact.fact_class.value, fact.money.currency, fact.money.minor),
        *(int(fact.trust), fact.happened_at, fact.meant_for, inbox_id),
    )
