"""Which payment a report is about: every name a gateway has for it leads to one main name.

The main name is the one that was told first. Its row is what all who settle the payment lock, so
two batches never fold the same payment from two halves of its facts.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple

from domain.attention import Attention, AttentionKind
from domain.errors import TryLater
from domain.facts import Report
from ledger.store import Books, columns

Reference = tuple[str, str, str]  # gateway, account, main name of a payment
Told = Sequence[tuple[int, Report]]  # reports under their inbox rows, in the order of arrival


class NameRow(NamedTuple):
    """A name and the main name it leads to."""

    gateway: str
    account: str
    name: str
    reference: str


def reference_of(report: Report) -> Reference:
    """The payment a report speaks of."""
    key = report.fact.key
    return key.gateway, key.account, key.reference


@dataclass(frozen=True, slots=True)
class Resolved:
    """Reports under the main names of their payments.

    `known` has the payments that were named before: of the others there is nothing to be read, and
    nobody else can see the names that are written here. `parked` has the inbox rows that know a
    name only which nobody has told the meaning of.
    """

    told: Told
    known: Sequence[Reference]
    parked: Mapping[int, Reference]
    attention: list[Attention]


def resolve(books: Books, told: Told) -> Resolved:
    """Finds the main name of every payment told of, each locked in the order of names.

    Writes every new name, of aliases only what others have told. A name that leads to two payments
    is flagged. TryLater when another batch gave a name another meaning meanwhile: the next try
    sees it.
    """
    meanings = _Meanings(_known(books, _names(told)))
    resolved, parked = _taken(meanings, told)
    is_alone = _write(books, meanings.fresh) == len(meanings.fresh)
    references = {reference_of(report) for _, report in resolved}
    known = sorted(references - meanings.fresh.keys() if is_alone else references)
    lock(books, known)
    if not is_alone:
        _confirm(_known(books, list(meanings.fresh)), meanings.fresh)
    return Resolved(resolved, known, parked, meanings.attention)


def _taken(meanings: "_Meanings", told: Told) -> tuple[Told, Mapping[int, Reference]]:
    """Aliases come last, so that what their own batch tells of their names is known by then."""
    resolved: list[tuple[int, Report]] = []
    parked: dict[int, Reference] = {}
    for inbox_id, report in sorted(told, key=lambda each: each[1].is_alias):
        if report.is_alias and not meanings.knows(reference_of(report)):
            parked[inbox_id] = reference_of(report)
        else:
            resolved.append((inbox_id, meanings.take(report)))
    return resolved, parked


def lock(books: Books, references: Sequence[Reference]) -> None:
    """Locks the main names of these payments, in the order of names."""
    if not references:
        return
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


class _Meanings:
    """What every name means, while reports are taken one after the other."""

    def __init__(self, known: Iterable[NameRow]) -> None:
        self._known: dict[Reference, str] = {
            (row.gateway, row.account, row.name): row.reference for row in known
        }
        self.fresh: dict[Reference, str] = {}
        self.attention: list[Attention] = []

    def knows(self, name: Reference) -> bool:
        """Whether it was told which payment this name means."""
        return name in self._known

    def take(self, report: Report) -> Report:
        """The report under its payment's main name; its names mean that payment from now on."""
        gateway, account, told = reference_of(report)
        names = [(gateway, account, name) for name in dict.fromkeys((told, *report.names))]
        meant = sorted({self._known[name] for name in names if name in self._known})
        own = self._known.get(names[0])
        main = own or (meant[0] if meant else told)
        if len(meant) > 1:
            self.attention.append(_two_payments(told, meant))
        for name in (*names, (gateway, account, main)):
            if name not in self._known:
                self._known[name] = self.fresh[name] = main
        if main == told:
            return report
        return replace(
            report, fact=replace(report.fact, key=report.fact.key._replace(reference=main))
        )


def _two_payments(told: str, meant: Sequence[str]) -> Attention:
    return Attention(
        kind=AttentionKind.FACT_DISAGREES,
        subject=f"name:{told}",
        detail=f"{told} was told together with names of {' and '.join(meant)}",
    )


def _names(told: Told) -> list[Reference]:
    return sorted(
        {
            (report.fact.key.gateway, report.fact.key.account, name)
            for _, report in told
            for name in (report.fact.key.reference, *report.names)
        }
    )


def _known(books: Books, names: Sequence[Reference]) -> list[NameRow]:
    return books.rows(
        NameRow,
        """
        SELECT n.gateway, n.account, n.name, n.reference FROM payment_names n
        JOIN unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]), CAST(:names AS text[]))
             AS told (gateway, account, name)
          ON (n.gateway, n.account, n.name) = (told.gateway, told.account, told.name)
        """,
        **columns(names, ("gateways", "accounts", "names")),
    )


def _write(books: Books, fresh: Mapping[Reference, str]) -> int:
    """Writes new names in their order; answers how many nobody else had written meanwhile."""
    rows = sorted((*name, reference) for name, reference in fresh.items())
    return books.run(
        """
        INSERT INTO payment_names (gateway, account, name, reference)
        SELECT * FROM unnest(CAST(:gateways AS text[]), CAST(:accounts AS text[]),
                             CAST(:names AS text[]), CAST(:references AS text[]))
        ON CONFLICT ON CONSTRAINT payment_names_pkey DO NOTHING
        """,
        **columns(rows, ("gateways", "accounts", "names", "references")),
    )


def _confirm(kept: Iterable[NameRow], fresh: Mapping[Reference, str]) -> None:
    for row in kept:
        if fresh[row.gateway, row.account, row.name] != row.reference:
            raise TryLater(
                timedelta(milliseconds=50), f"{row.name} was given another meaning meanwhile"
            )
