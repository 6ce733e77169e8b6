"""What follows from reports besides money: lookups planned or met, and rows parked or woken.

Nearly every batch needs none of it and pays with no statement. What is needed takes one statement
of its kind, however many rows it is about.
"""

from collections.abc import Iterable, Mapping, Sequence, Set

from domain.facts import Approval, Ask, Report, Told, Trust, is_half_told
from ledger.inbox import parking
from ledger.settlement import captures, lookups
from ledger.settlement.lookups import Question
from ledger.settlement.merging import Merged
from ledger.settlement.naming import Reference, reference_of
from ledger.store import Books


def follow(books: Books, told: Mapping[int, Sequence[Told]], merged: Merged) -> None:
    """Does what the reports of a batch ask for, after its money is booked.

    Locks errands, some of them after parked rows, for which nobody waits.
    """
    half_told = _half_told(merged)
    asked = _asked(each for reading in told.values() for each in reading)
    questions = [*asked, *_needed(merged, half_told)]
    if questions:
        lookups.plan(books, questions)
    approved = [each for reading in told.values() for each in reading if isinstance(each, Approval)]
    if approved:
        captures.plan(books, approved)
    if merged.parked:
        parking.park(books, {id_: name for id_, (*_, name) in merged.parked.items()})
    if hinted := hints(told):
        parking.hold(books, hinted)
    answers = [(id_, report) for id_, report in merged.reports if _is_answer(report)]
    answered = {reference_of(report) for _, report in answers}
    met = (merged.half_told | answered) - half_told
    if answered:
        parking.wake(books)
        parking.release(books, sorted({id_ for id_, _ in answers}))
    if met:
        lookups.meet(books, _names(merged, met))


def hints(told: Mapping[int, Sequence[Told]]) -> dict[int, str]:
    """What each row that proves nothing waits for: the first of the names that are asked about."""
    found: dict[int, str] = {}
    for id_, reading in told.items():
        for each in reading:
            if isinstance(each, Ask) and each.is_hint:
                found.setdefault(id_, each.reference)
    return found


def _is_answer(report: Report) -> bool:
    return report.is_answer or report.fact.trust is Trust.LOOKUP


def _half_told(merged: Merged) -> set[Reference]:
    return {
        reference
        for reference, known in merged.facts.items()
        if is_half_told(each.fact for each in known)
    }


def _asked(told: Iterable[Told]) -> Iterable[Question]:
    for each in told:
        if isinstance(each, Ask):
            reference = (each.gateway, each.account, each.reference)
            if each.refunded is not None:
                currency, minor = each.refunded.currency, each.refunded.minor
                yield Question(reference, f"refunded {currency} {minor}")
            elif each.transaction is not None:
                yield Question(reference, f"fee {each.transaction}")
            else:
                yield Question(reference, "moved", is_urgent=each.is_hint)


def _needed(merged: Merged, half_told: Iterable[Reference]) -> Iterable[Question]:
    yield from (Question(reference, None) for reference in {*half_told, *merged.parked.values()})
    yield from (Question(reference, "grown") for reference in merged.doubted)


def _names(merged: Merged, references: Set[Reference]) -> list[Reference]:
    """Every name by which these payments may have been asked about, as far as it was told now."""
    found = set(references)
    for _, report in merged.reports:
        gateway, account, main = reference_of(report)
        if (gateway, account, main) in references:
            found |= {(gateway, account, name) for name in report.names}
    return sorted(found)
