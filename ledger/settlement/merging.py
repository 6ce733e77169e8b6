"""What reports tell, joined with what is known: the facts of every payment a batch touches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from domain.attention import Attention, AttentionKind
from domain.errors import TryLater
from domain.facts import (
    Fact,
    FactClass,
    FactKey,
    Move,
    Report,
    Status,
    Trust,
    clash,
    disagree,
    is_half_told,
    join,
    may_be_another,
)
from domain.money import Money
from domain.settlement import KnownFact
from ledger import numbers
from ledger.settlement import nameless, naming
from ledger.settlement.naming import Reference
from ledger.store import Books, columns


@dataclass(frozen=True, slots=True)
class Merged:
    """Every fact of the touched payments, joined and written.

    `known` has the payments that were named before, `newly_named` those that were told another
    reference of ours than before. `reports` are those joined, `parked` the inbox rows whose reports
    could not be. `doubted` are payments of which a delivery tells more than the gateway once
    answered, `half_told` those of which it was known, before these reports, that money went back
    and not that it came. `ours` are refunds of ours that were told of without a name, and when.
    """

    facts: Mapping[Reference, Sequence[KnownFact]]
    known: Sequence[Reference] = ()
    newly_named: Set[Reference] = frozenset()
    attention: Sequence[Attention] = ()
    reports: naming.Told = ()
    parked: Mapping[int, Reference] = field(default_factory=dict)
    doubted: Set[Reference] = frozenset()
    half_told: Set[Reference] = frozenset()
    ours: Mapping[FactKey, datetime] = field(default_factory=dict)

    def names(self, reference: Reference) -> list[str]:
        """Every reference of ours that was told for a payment, sorted."""
        return sorted({name for known in self.facts[reference] for name in known.fact.meant_for})


def merge(books: Books, told: Mapping[int, Sequence[Report]]) -> Merged:
    """Joins the reports of each inbox row, by row id, into the facts.

    Locks the main name of every payment touched, in the order of names.
    """
    arrived = [(inbox_id, report) for inbox_id in sorted(told) for report in told[inbox_id]]
    resolved = naming.resolve(books, arrived)
    kept = _known(books, resolved.known)
    joining = _Joining({row.key: row for row in kept})
    before = tuple(joining.facts.values())
    named = nameless.name(books, resolved.told, joining.facts)
    for inbox_id, report in named.told:
        joining.take(report, inbox_id)
    ids = _write(books, joining.changed(), {row.key: row.id for row in kept})
    facts = [KnownFact(ids[key], fact) for key, fact in joining.facts.items()]
    return Merged(
        facts=_grouped(facts),
        known=resolved.known,
        newly_named=joining.newly_named(),
        attention=[*resolved.attention, *joining.attention],
        reports=named.told,
        parked=resolved.parked,
        doubted=joining.doubted,
        half_told=_half_told(before),
        ours=named.ours,
    )


def _half_told(facts: Sequence[Fact]) -> Set[Reference]:
    if all(fact.key.move is Move.IN for fact in facts):
        return frozenset()  # nearly always
    grouped: dict[Reference, list[Fact]] = defaultdict(list)
    for fact in facts:
        grouped[_reference(fact.key)].append(fact)
    return {reference for reference, group in grouped.items() if is_half_told(group)}


def known(books: Books, references: Sequence[Reference]) -> Merged:
    """The facts of these payments as they stand, their main names locked as `merge` does."""
    naming.lock(books, sorted(references))
    facts = [KnownFact(row.id, row.fact) for row in _known(books, references)]
    return Merged(_grouped(facts), references)


def _grouped(facts: Iterable[KnownFact]) -> dict[Reference, Sequence[KnownFact]]:
    ordered = sorted(facts, key=lambda known: known.fact.key)
    return {
        reference: tuple(group)
        for reference, group in groupby(ordered, key=lambda known: _reference(known.fact.key))
    }


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
    meant_for: list[str]

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
            meant_for=tuple(self.meant_for),
        )


@dataclass(slots=True)
class _Joining:
    """The facts while reports are joined in; what changed is written, what clashed is flagged."""

    rows: Mapping[FactKey, _FactRow]
    facts: dict[FactKey, Fact] = field(init=False)
    sources: dict[FactKey, int] = field(default_factory=dict)
    attention: list[Attention] = field(default_factory=list)
    doubted: set[Reference] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.facts = {key: row.fact for key, row in self.rows.items()}

    def take(self, report: Report, inbox_id: int) -> None:
        told = report.fact
        known = self.facts.get(told.key)
        if known is not None and report.is_nameless and may_be_another(known, told):
            if told.key._replace(item=word_of(inbox_id)) not in self.facts:
                self.attention.append(_told_again(told, inbox_id))
            return  # it stands as it was told first, so that a replay asks nothing else
        if known is not None and clash(known, told):
            self.attention.append(_clash(known, told, inbox_id))
            return
        if known is not None and disagree(known, told):
            self._doubt(known, told, inbox_id)
        joined = told if known is None else join(known, told)
        if joined != known:
            self.facts[told.key] = joined
            self.sources[told.key] = inbox_id

    def _doubt(self, known: Fact, told: Fact, inbox_id: int) -> None:
        """Flags it; and where more is told than the gateway answered, it may have grown since."""
        self.attention.append(_clash(known, told, inbox_id))
        if told.trust < known.trust and told.money.minor > known.money.minor:
            self.doubted.add(_reference(told.key))

    def changed(self) -> list[tuple[Fact, int]]:
        return [(self.facts[key], inbox_id) for key, inbox_id in sorted(self.sources.items())]

    def newly_named(self) -> Set[Reference]:
        before = {key: row.meant_for for key, row in self.rows.items()}
        return {
            _reference(key)
            for key, fact in self.facts.items()
            if set(fact.meant_for) - set(before.get(key, ()))
        }


def word_of(inbox_id: int) -> str:
    """The item of what a person says went back, of which an event told too little."""
    return f"word:event:{inbox_id}"


def _reference(key: FactKey) -> Reference:
    return key.gateway, key.account, key.reference


def _clash(known: Fact, told: Fact, inbox_id: int) -> Attention:
    return Attention(
        kind=AttentionKind.FACT_DISAGREES,
        subject=f"event:{inbox_id}",
        money=told.money,
        detail=f"{told.key.reference} was reported as {told.money}, it stands as {known.money}",
    )


def _told_again(told: Fact, inbox_id: int) -> Attention:
    return Attention(
        kind=AttentionKind.FACT_DISAGREES,
        subject=f"event:{inbox_id}",
        money=told.money,
        detail=f"{told.money} of {told.key.reference} went back once before, at another instant:"
        " told again, or a second time? It stands once; were it two, tell the books by"
        " `incasso refund --told`",
    )


def _known(books: Books, references: Sequence[Reference]) -> list[_FactRow]:
    if not references:
        return []
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


def _write(
    books: Books, changed: Sequence[tuple[Fact, int]], kept: Mapping[FactKey, int]
) -> dict[FactKey, int]:
    """Inserts new facts and overwrites grown ones, in key order; answers all row numbers.

    A grown fact keeps its number: what is inserted meets the row that is there. One that was not
    there when it was asked for is never overwritten: TryLater.
    """
    new = [fact.key for fact, _ in changed if fact.key not in kept]
    ids = {**kept, **dict(zip(new, numbers.take(books, "facts", len(new)), strict=True))}
    names = (
        *("ids", "gateways", "accounts", "references", "moves", "items", "statuses", "classes"),
        *("currencies", "amounts", "trusts", "instants", "meant", "inbox_ids"),
    )
    written = books.run(
        """
        INSERT INTO facts AS f (id, gateway, account, reference, move, item, status, class,
                                currency, amount_minor, trust, happened_at, meant_for, inbox_id)
        OVERRIDING SYSTEM VALUE
        SELECT id, gateway, account, reference, move, item, status, class, currency, amount_minor,
               trust, happened_at, string_to_array(meant_for, E'\n'), inbox_id
        FROM unnest(
            CAST(:ids AS bigint[]), CAST(:gateways AS text[]), CAST(:accounts AS text[]),
            CAST(:references AS text[]), CAST(:moves AS text[]), CAST(:items AS text[]),
            CAST(:statuses AS text[]), CAST(:classes AS text[]), CAST(:currencies AS text[]),
            CAST(:amounts AS bigint[]), CAST(:trusts AS smallint[]),
            CAST(:instants AS timestamptz[]), CAST(:meant AS text[]), CAST(:inbox_ids AS bigint[]))
            AS told (id, gateway, account, reference, move, item, status, class, currency,
                     amount_minor, trust, happened_at, meant_for, inbox_id)
        ON CONFLICT ON CONSTRAINT facts_once DO UPDATE SET
            status = excluded.status, class = excluded.class, currency = excluded.currency,
            amount_minor = excluded.amount_minor, trust = excluded.trust,
            happened_at = excluded.happened_at, meant_for = excluded.meant_for,
            inbox_id = excluded.inbox_id
        WHERE f.id = excluded.id
        """,
        **columns([(ids[fact.key], *_fact_columns(fact, at)) for fact, at in changed], names),
    )
    if written < len(changed):
        raise TryLater(timedelta(milliseconds=50), "a fact was written by somebody else meanwhile")
    return ids


def _fact_columns(fact: Fact, inbox_id: int) -> tuple[object, ...]:
    key = fact.key
    meant_for = "\n".join(
        fact.meant_for
    )  # printable names, as `gateways` gives them, have no break
    return (
        *(key.gateway, key.account, key.reference, key.move.value, key.item),
        *(fact.status.value, fact.fact_class.value, fact.money.currency, fact.money.minor),
        *(int(fact.trust), fact.happened_at, meant_for, inbox_id),
    )
