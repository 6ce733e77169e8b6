"""Claims and tries: who holds a row, and what is known when that hand is gone."""

import threading

import pytest

from domain.errors import Refused
from ledger.inbox import waiting
from ledger.store import Books, Store
from tests.builders import a_report, ron
from tests.desk import Desk

GATEWAYS = {"stripe": "own/test"}


class WorkerDied(BaseException):
    """Stands for a kill: nothing after it runs, and no handler of ours sees it."""


def die_with(store: Store, claiming) -> None:
    """Claims and dies before the commit; the try, on its own connection, stays."""

    def claim_and_die() -> None:
        with store.transaction() as books:
            assert claiming(books, GATEWAYS)
            raise WorkerDied

    with pytest.raises(WorkerDied):
        claim_and_die()


def let_pauses_pass(desk: Desk) -> None:
    desk.query("UPDATE tries SET started_at = started_at - interval '1 hour' RETURNING id")


def test_rows_are_claimed_oldest_first_as_many_as_a_batch_holds(desk: Desk, store: Store):
    ids = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(waiting.MOST_ROWS + 50)))

    with store.transaction() as books:
        claim = waiting.claim_fresh(books, GATEWAYS)

    assert claim is not None
    assert [row.id for row in claim.rows] == ids[: waiting.MOST_ROWS]


def test_rows_in_other_hands_are_passed_over(desk: Desk, store: Store):
    first = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(waiting.MOST_ROWS)))
    later = desk.deliver([a_report(reference="pi_x")])

    with store.transaction() as one, store.transaction() as two, store.transaction() as three:
        mine = waiting.claim_fresh(one, GATEWAYS)
        theirs = waiting.claim_fresh(two, GATEWAYS)
        nobodys = waiting.claim_fresh(three, GATEWAYS) or waiting.claim_suspect(three, GATEWAYS)

    assert mine is not None
    assert theirs is not None
    assert [row.id for row in mine.rows] == first
    assert [row.id for row in theirs.rows] == later
    assert nobodys is None


def test_a_gateway_that_is_not_configured_keeps_its_rows_waiting(desk: Desk, store: Store):
    desk.deliver([a_report()])

    with store.transaction() as books:
        assert waiting.claim_fresh(books, {"paypal": "own/test"}) is None
        assert not waiting.is_any_waiting(books, {"stripe": "own/live"})
        assert waiting.is_any_waiting(books, GATEWAYS)


def test_rows_of_a_worker_that_died_are_settled_alone(desk: Desk, store: Store):
    ids = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(3)))
    die_with(store, waiting.claim_fresh)

    alone = []
    with store.transaction() as books:
        assert waiting.claim_fresh(books, GATEWAYS) is None
    for _ in ids:
        with store.transaction() as books:
            claim = waiting.claim_suspect(books, GATEWAYS)
            assert claim is not None
            alone.append([row.id for row in claim.rows])
            desk.settle_claim(books, claim)

    assert alone == [[id_] for id_ in ids]
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    with store.transaction() as books:
        assert waiting.sweep_tries(books) == 1
    assert desk.query("SELECT * FROM tries") == []


def test_rows_of_a_large_batch_that_failed_go_a_few_together_then_alone(desk: Desk, store: Store):
    ids = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(waiting.FEW_ROWS * 2 + 5)))
    die_with(store, waiting.claim_fresh)
    die_with(store, waiting.claim_suspect)  # the first few, once more in vain

    sizes = []
    while True:
        with store.transaction() as books:
            claim = waiting.claim_suspect(books, GATEWAYS)
            if claim is None:
                break
            sizes.append(len(claim.rows))
            desk.settle_claim(books, claim)

    assert sizes == [waiting.FEW_ROWS, 5, *[1] * waiting.FEW_ROWS]
    assert desk.query("SELECT DISTINCT state FROM inbox") == [("done",)]
    assert len(ids) == sum(sizes)


def test_only_tries_made_alone_count_and_the_sixth_finds_the_row_dead(desk: Desk, store: Store):
    poison, innocent = desk.deliver(*([a_report(reference=f"pi_{n}")] for n in range(2)))
    die_with(store, waiting.claim_fresh)

    deaths = 0
    while deaths < waiting.MOST_TRIES:
        let_pauses_pass(desk)
        with store.transaction() as books:
            claim = waiting.claim_suspect(books, GATEWAYS)
            assert claim is not None
            assert waiting.used_up(books, claim) is None
            if claim.rows[0].id == innocent:
                desk.settle_claim(books, claim)
                continue
        deaths += 1  # the transaction rolled nothing back, but nobody closed the row either
    let_pauses_pass(desk)

    with store.transaction() as books:
        claim = waiting.claim_suspect(books, GATEWAYS)
        assert claim is not None
        assert claim.rows[0].id == poison
        refusal = waiting.used_up(books, claim)

    assert isinstance(refusal, Refused)
    assert "died without a word" in refusal.detail
    assert desk.query(f"SELECT state FROM inbox WHERE id = {innocent}") == [("done",)]


def test_a_try_alone_is_followed_by_a_pause_that_doubles(desk: Desk, store: Store):
    desk.deliver([a_report()])
    die_with(store, waiting.claim_fresh)
    die_with(store, waiting.claim_suspect)

    with store.transaction() as books:
        assert waiting.claim_suspect(books, GATEWAYS) is None
    let_pauses_pass(desk)

    with store.transaction() as books:
        assert waiting.claim_suspect(books, GATEWAYS) is not None


def test_a_try_taken_back_leaves_the_rows_fresh(desk: Desk, store: Store):
    desk.deliver([a_report()])

    def claim_and_lose(books: Books) -> waiting.Claim:
        claim = waiting.claim_fresh(books, GATEWAYS)
        assert claim is not None
        return claim

    with store.transaction() as books:
        claim = claim_and_lose(books)
    waiting.forget(store, claim.try_id)

    with store.transaction() as books:
        assert waiting.claim_fresh(books, GATEWAYS) is not None


def test_the_reason_of_the_last_failure_is_what_a_dead_row_tells(desk: Desk, store: Store):
    desk.deliver([a_report()])
    for claiming in (waiting.claim_fresh, *[waiting.claim_suspect] * 5):
        with store.transaction() as books:
            claim = claiming(books, GATEWAYS)
            assert claim is not None
        waiting.blame(store, claim, "KeyError: 'x'")
        let_pauses_pass(desk)

    with store.transaction() as books:
        claim = waiting.claim_suspect(books, GATEWAYS)
        assert claim is not None
        refusal = waiting.used_up(books, claim)

    assert refusal is not None
    assert refusal.detail == "tried 5 times: KeyError: 'x'"


def test_a_row_settled_meanwhile_is_not_claimed_again(desk: Desk, store: Store):
    """Two workers take turns on one pile; no row goes through two pairs of hands."""
    invoice = desk.invoice(desk.open(), "100000")
    total = 300
    desk.deliver(
        *([a_report(ron("1"), reference=f"pi_{n}", meant_for=invoice.number)] for n in range(total))
    )
    settled: list[int] = []

    def work() -> None:
        while True:
            with store.transaction() as books:
                claim = waiting.claim_fresh(books, GATEWAYS)
                if claim is None:
                    return
                done = desk.settle_claim(books, claim)
            settled.extend(closing.inbox_id for closing in done.closings)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(settled) == sorted(set(settled))
    assert len(settled) == total
    assert desk.standing(invoice.id).paid_minor == total * 100
    assert desk.differences() == []


def test_a_suspect_is_found_without_a_look_at_all_that_wait(desk: Desk, store: Store):
    """Right after a flood nobody has counted its rows yet, and a plan may be made for none."""
    with store.transaction() as books:
        books.run(
            "INSERT INTO inbox (gateway, account, event_id, source, kind, raw, headers, sha256)"
            " SELECT 'stripe', 'own/test', 'evt_' || n, 'webhook', 'k', '', '{}', ''"
            " FROM generate_series(1, 10000) n"
        )
    die_with(store, waiting.claim_fresh)

    with store.transaction() as books:
        claim = waiting.claim_suspect(books, GATEWAYS)
        read = books.value(
            "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
            " WHERE relname = 'inbox'"
        )

    assert claim is not None
    assert [row.id for row in claim.rows] == list(range(1, waiting.FEW_ROWS + 1))
    assert waiting.FEW_ROWS <= read < 4 * waiting.MOST_ROWS
