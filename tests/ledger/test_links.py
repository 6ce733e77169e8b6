"""Hosted links in the books: given out once, taken back, and clicked at by many hands."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from domain import links
from domain.errors import Refused
from domain.facts import Status
from domain.invoices import Standing
from domain.links import Fate
from ledger.links import attempting, closing, granting, showing
from ledger.links.attempting import Attempt, Click
from ledger.links.granting import Granted, Target, Terms
from ledger.links.showing import Shown
from ledger.settlement import settling
from ledger.store import Books, Store
from runtime import clock
from tests.builders import ZONE, a_report, at, ron
from tests.desk import WORD, Desk
from tests.ledger.meeting import meet

SECRET = b"a secret that no test tells anybody"
NOW = at("2026-11-20T10:00")
CLICK = Click("stripe", "own/test", "ro")


def granted(store: Store, target: Target, **terms: object) -> Granted:
    return store.act(
        lambda books: granting.grant(books, target, Terms(**terms), SECRET, "test", NOW)  # type: ignore[arg-type]
    )


def found(store: Store, token: str) -> Shown:
    with store.transaction() as books:
        shown = showing.find(books, token, NOW)
    assert shown is not None
    return shown


def a_link(store: Store, invoice: Standing, **terms: object) -> Shown:
    return found(store, granted(store, Target(invoice.client_id, invoice.id), **terms).token)


def clicked(store: Store, shown: Shown, click: Click = CLICK) -> Attempt:
    return store.act(lambda books: attempting.begin(books, shown, click, NOW))


def opened(store: Store, attempt: Attempt) -> Attempt:
    session, url = f"cs_{attempt.id}", f"https://stripe.example/{attempt.id}"
    with store.transaction() as books:
        assert attempting.opened(books, attempt.id, session, url)
        return attempting.get(books, attempt.id)


def errands(desk: Desk) -> list[tuple[str, str]]:
    return desk.query("SELECT key, state FROM outbox WHERE effect = 'expire' ORDER BY key")


def test_a_link_is_one_however_often_it_is_asked_for(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)

    with ThreadPoolExecutor(8) as hands:
        tokens = {each.token for each in hands.map(lambda _: granted(store, target), range(16))}

    assert len(tokens) == 1
    assert desk.query("SELECT count(*) FROM pay_links") == [(1,)]
    assert tokens.pop() not in str(desk.query("SELECT * FROM pay_tokens"))


def test_a_revoked_link_opens_nothing_and_its_successor_has_another_token(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    first = granted(store, target)

    with store.transaction() as books:
        assert granting.revoke(books, target, "test", NOW)
        assert not granting.revoke(books, target, "test", NOW)
        assert granting.for_letter(books, target, SECRET, NOW) is None
    second = granted(store, target)

    assert second.token != first.token
    assert found(store, first.token).fate is Fate.REVOKED
    assert found(store, second.token).fate is Fate.OPEN
    with pytest.raises(Refused, match="link_closed"):
        clicked(store, replace(found(store, second.token), version=1))


def test_terms_stay_until_they_are_said_anew(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    until = NOW + timedelta(days=1)

    first = granted(store, target, takes_parts=True, expires_at=until).link
    second = granted(store, target).link

    assert (first.takes_parts, first.expires_at) == (True, until)
    assert second == first
    with pytest.raises(Refused, match="malformed_dates"):
        granted(store, target, expires_at=NOW)


def test_an_expired_link_asked_for_anew_lasts(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    token = granted(store, target, expires_at=NOW + timedelta(hours=1)).token
    later = NOW + timedelta(hours=1)

    with store.transaction() as books:
        expired = showing.find(books, token, later)
        assert granting.for_letter(books, target, SECRET, later) is None
        again = granting.grant(books, target, Terms(), SECRET, "test", later)

    assert expired is not None
    assert expired.fate is Fate.EXPIRED
    assert again.token == token
    assert again.link.expires_at is None


def test_no_link_leads_to_what_is_not_owed(desk: Desk, store: Store):
    client = desk.open()
    draft = desk.draft(client)
    void = desk.void(desk.invoice(client).id)

    for id_, code in ((draft, "not_issued"), (void.id, "void_invoice"), (99, "unknown_invoice")):
        with store.transaction() as books, pytest.raises(Refused, match=code):
            granting.of_invoice(books, id_)
    with store.transaction() as books, pytest.raises(Refused, match="unknown_client"):
        granting.of_client(books, 99)


def test_a_changed_secret_gives_a_new_token_and_the_old_one_stays(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    old = granted(store, target).token

    with store.transaction() as books:
        new = granting.grant(books, target, Terms(), b"another secret", "test", NOW).token

    assert new != old
    assert found(store, old).link == found(store, new).link


def test_clicks_go_on_with_the_attempt_that_is_there(desk: Desk, store: Store):
    shown = a_link(store, desk.invoice(desk.open()))

    first = clicked(store, shown)
    again = clicked(store, shown)
    stored = opened(store, first)

    assert first.order_id == "INV-0001-1"
    assert first.money == ron("121")
    assert again == first
    assert clicked(store, shown) == stored
    assert stored.url == f"https://stripe.example/{first.id}"


def test_of_clicks_that_meet_one_begins_the_attempt(desk: Desk, store: Store):
    shown = a_link(store, desk.invoice(desk.open()))

    _, waited = meet(
        store,
        lambda books: attempting.begin(books, shown, CLICK, NOW),
        lambda books: attempting.begin(books, shown, CLICK, NOW),
    )

    assert waited
    assert desk.query("SELECT order_id FROM attempts") == [("INV-0001-1",)]


def test_a_link_that_is_being_revoked_begins_nothing(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    target = Target(invoice.client_id, invoice.id)

    with pytest.raises(Refused, match="link_closed"):
        meet(
            store,
            lambda books: granting.revoke(books, target, "test", NOW),
            lambda books: attempting.begin(books, shown, CLICK, NOW),
        )

    assert desk.query("SELECT count(*) FROM attempts") == [(0,)]


def test_an_invoice_that_is_being_paid_begins_no_attempt(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    report = a_report(ron("121"), meant_for=invoice.number)
    (inbox_id,) = desk.deliver([report])

    def pay(books: Books) -> None:
        settling.settle(books, {inbox_id: (report,)}, ZONE)

    with pytest.raises(Refused, match="nothing_to_pay"):
        meet(store, pay, lambda books: attempting.begin(books, shown, CLICK, NOW))


def test_an_attempt_that_just_begins_is_seen_by_the_money_that_closes_its_invoice(
    desk: Desk, store: Store
):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    report = a_report(ron("121"), meant_for=invoice.number)
    (inbox_id,) = desk.deliver([report])

    _, waited = meet(
        store,
        lambda books: attempting.begin(books, shown, CLICK, NOW),
        lambda books: settling.settle(books, {inbox_id: (report,)}, ZONE),
    )

    assert waited
    assert errands(desk) == [("expire:1", "waiting")]
    assert desk.differences() == []


def test_clicks_and_reports_that_meet_never_wait_in_a_ring(desk: Desk, store: Store):
    """A click holds its attempts before it wants the invoices, as a batch does."""
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    attempt = opened(store, clicked(store, shown))
    english = replace(CLICK, language="en")
    told = a_report(ron("121"), status=Status.FAILED, meant_for=attempt.order_id)
    (inbox_id,) = desk.deliver([told])

    def note(books: Books) -> None:
        settling.settle(books, {inbox_id: (told,)}, ZONE)

    def look(books: Books) -> None:
        held = books.rows(int, "SELECT id FROM invoices WHERE id = 1 FOR NO KEY UPDATE SKIP LOCKED")
        assert held == [1], "who waits for the attempt must not hold the invoice"

    _, waited = meet(store, note, lambda books: attempting.begin(books, shown, english, NOW), look)

    assert waited
    assert desk.query("SELECT order_id, state FROM attempts ORDER BY id") == [
        ("INV-0001-1", "expired"),
        ("INV-0001-2", "open"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda desk: desk.credit_note(1, 2100),
        lambda desk: desk.query("UPDATE attempts SET state = 'failed' RETURNING 1"),
        lambda desk: desk.query("UPDATE attempts SET link_version = 0 RETURNING 1"),
        lambda desk: desk.query(f"UPDATE attempts SET expires_at = '{NOW}' RETURNING 1"),
    ],
    ids=["another amount", "failed", "revoked before", "too old"],
)
def test_an_attempt_that_is_no_longer_right_gives_way(
    desk: Desk, store: Store, change: Callable[[Desk], object]
):
    shown = a_link(store, desk.invoice(desk.open()))
    first = opened(store, clicked(store, shown))
    change(desk)

    second = clicked(store, shown)

    assert second.id != first.id
    assert (second.order_id, second.url) == ("INV-0001-2", None)
    assert errands(desk) == [(f"expire:{first.id}", "waiting")]
    assert second.money.minor == desk.standing(1).open_minor


def test_another_gateway_leaves_the_first_ones_session_open(desk: Desk, store: Store):
    shown = a_link(store, desk.invoice(desk.open(), currency="EUR"))

    first = opened(store, clicked(store, shown))
    second = clicked(store, shown, replace(CLICK, gateway="paypal", account="own"))

    assert second.order_id == "INV-0001-2"
    assert clicked(store, shown) == first
    assert errands(desk) == []


def test_a_link_opens_only_so_many_sessions_within_an_hour(desk: Desk, store: Store):
    shown = a_link(store, desk.invoice(desk.open()), takes_parts=True)
    now = clock.now()

    def click(cents: int, later: timedelta = timedelta()) -> Attempt:
        asked = replace(CLICK, part=f"1.{cents:02}")
        return store.act(lambda books: attempting.begin(books, shown, asked, now + later))

    last = [click(cents) for cents in range(links.MOST_ATTEMPTS_PER_HOUR)][-1]
    before = desk.query("SELECT count(*) FROM attempts"), errands(desk)

    with pytest.raises(Refused, match="within an hour"):
        click(99)
    assert (desk.query("SELECT count(*) FROM attempts"), errands(desk)) == before
    assert click(links.MOST_ATTEMPTS_PER_HOUR - 1) == last
    assert click(99, timedelta(minutes=61)).id > last.id


def test_the_second_of_two_payments_is_credit_with_attention(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    one = opened(store, clicked(store, shown))
    two = clicked(store, shown, replace(CLICK, gateway="paypal", account="own"))
    paid = [
        a_report(one.money, reference=f"pi_{each.id}", meant_for=each.order_id)
        for each in (one, replace(two, order_id=one.order_id))
    ]

    for report in paid:
        desk.deliver([report])
        desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert [each.unapplied_minor for each in desk.payments()] == [0, 12100]
    assert ("overpaid", f"payment:{desk.payments()[1].id}") in desk.attention()
    assert errands(desk) == [(f"expire:{two.id}", "waiting")]
    assert desk.differences() == []


def test_a_part_that_comes_another_way_closes_what_asks_for_too_much(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice, takes_parts=True)
    whole = opened(store, clicked(store, shown))
    part = clicked(store, shown, replace(CLICK, gateway="paypal", account="own", part="100"))

    desk.deliver([a_report(ron("21"), reference="pi_part", meant_for=invoice.number)])
    desk.settle()

    assert desk.standing(invoice.id).open_minor == part.money.minor
    assert errands(desk) == [(f"expire:{whole.id}", "waiting")]
    assert desk.differences() == []


@pytest.mark.parametrize("act", ["void", "credit_note", "write_off"])
def test_what_people_close_closes_its_sessions(desk: Desk, store: Store, act: str):
    invoice = desk.invoice(desk.open())
    attempt = opened(store, clicked(store, a_link(store, invoice)))

    getattr(desk, act)(invoice.id)

    assert errands(desk) == [(f"expire:{attempt.id}", "waiting")]


def test_a_revoked_link_closes_its_sessions(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    attempt = opened(store, clicked(store, a_link(store, invoice)))

    with store.transaction() as books:
        granting.revoke(books, Target(invoice.client_id, invoice.id), "test", NOW)

    assert errands(desk) == [(f"expire:{attempt.id}", "waiting")]


def test_the_attempt_that_paid_is_left_alone(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    attempt = opened(store, clicked(store, a_link(store, invoice)))

    desk.deliver([a_report(ron("121"), meant_for=attempt.order_id)])
    desk.settle()

    assert not desk.standing(invoice.id).is_open
    assert errands(desk) == []
    assert desk.query("SELECT state FROM attempts") == [("succeeded",)]


def test_one_attempt_pays_several_invoices_in_their_order(desk: Desk, store: Store):
    client = desk.open()
    invoices = [desk.invoice(client, price) for price in ("100", "200", "300")]
    shown = found(store, granted(store, Target(client, None)).token)
    chosen = replace(CLICK, invoice_ids=frozenset({invoices[0].id, invoices[1].id, 99}))

    attempt = clicked(store, shown, chosen)
    again = clicked(store, shown, chosen)
    desk.deliver([a_report(attempt.money, meant_for=attempt.order_id)])
    desk.settle()

    assert again == attempt
    assert attempt.numbers == ("INV-0001", "INV-0002")
    assert attempt.money == ron("363")
    assert [desk.standing(each.id).open_minor for each in invoices] == [0, 0, 36300]
    assert desk.query("SELECT position, invoice_id FROM intents ORDER BY position") == [
        (0, invoices[0].id),
        (1, invoices[1].id),
    ]
    assert desk.differences() == []


def test_a_part_over_several_invoices_fills_the_first_one_first(desk: Desk, store: Store):
    client = desk.open()
    invoices = [desk.invoice(client, price) for price in ("100", "200")]
    shown = found(store, granted(store, Target(client, None), takes_parts=True).token)

    attempt = clicked(store, shown, replace(CLICK, part="200,00"))
    desk.deliver([a_report(attempt.money, meant_for=attempt.order_id)])
    desk.settle()

    assert attempt.money == ron("200")
    assert [desk.standing(each.id).open_minor for each in invoices] == [0, 16300]
    assert desk.differences() == []


def test_a_name_that_leads_elsewhere_is_seen_by_a_person(desk: Desk, store: Store):
    client = desk.open()
    one, other = desk.invoice(client), desk.invoice(client)
    attempt = clicked(store, a_link(store, one))
    told = a_report(ron("121"), meant_for=one.number)
    named = replace(told.fact, meant_for=(attempt.order_id, str(other.number)))

    desk.deliver([told], [replace(told, fact=named)])
    desk.settle()

    assert ("fact_disagrees", "payment:1") in desk.attention()


def test_a_part_is_taken_only_where_the_link_takes_it(desk: Desk, store: Store):
    client = desk.open()
    whole, parts = (a_link(store, desk.invoice(client), takes_parts=each) for each in (False, True))

    assert clicked(store, whole, replace(CLICK, part="1.00")).money == ron("121")
    assert clicked(store, parts, replace(CLICK, part="1.00")).money == ron("1")
    for wrong in ("0", "121.01", "-5", "NaN", "1e2", "9" * 40):
        with pytest.raises(Refused):
            clicked(store, parts, replace(CLICK, part=wrong))
    assert desk.query("SELECT count(*) FROM attempts") == [(2,)]


def test_money_on_its_way_is_not_asked_for_twice(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    shown = a_link(store, invoice)
    attempt = opened(store, clicked(store, shown))

    desk.deliver([a_report(ron("121"), status=Status.PENDING, meant_for=attempt.order_id)])
    desk.settle()

    with pytest.raises(Refused, match="nothing_to_pay"):
        clicked(store, shown)
    with store.transaction() as books:
        page = showing.page(books, shown.link)
    assert links.saying(shown.fate, page.bills) is links.Saying.PROCESSING


def test_a_session_that_comes_too_late_is_closed_by_the_errand_of_its_successor(
    desk: Desk, store: Store
):
    shown = a_link(store, desk.invoice(desk.open()))
    first = clicked(store, shown)
    second = clicked(store, shown, replace(CLICK, language="en"))

    with store.transaction() as books:
        assert not attempting.opened(books, first.id, "cs_late", "https://stripe.example/late")
        claimed = closing.claim(books, at("2200-01-01"))

    assert claimed is not None
    assert (claimed.attempt_id, claimed.session) == (first.id, "cs_late")
    assert second.order_id == "INV-0001-2"


def test_an_attempt_given_up_is_followed_by_another(desk: Desk, store: Store):
    shown = a_link(store, desk.invoice(desk.open()))
    first = clicked(store, shown)

    with store.transaction() as books:
        attempting.give_up(books, first.id)
    second = clicked(store, shown)
    opened(store, second)
    with store.transaction() as books:
        attempting.give_up(books, second.id)

    assert second.order_id == "INV-0001-2"
    assert clicked(store, shown).id == second.id


def test_an_order_id_is_never_the_number_of_an_invoice(desk: Desk, store: Store):
    client = desk.open()
    shown = a_link(store, desk.invoice(client))
    other = desk.invoice(client)
    desk.query(f"UPDATE invoices SET number = 'INV-0001-1' WHERE id = {other.id} RETURNING 1")

    assert clicked(store, shown).order_id == "INV-0001-2"


def test_word_is_written_of_what_is_given_out_and_taken_back(desk: Desk, store: Store):
    invoice = desk.invoice(desk.open())
    target = Target(invoice.client_id, invoice.id)
    granted(store, target)

    with store.transaction() as books:
        granting.revoke(books, target, WORD.actor, NOW)

    acts = desk.query("SELECT act, actor FROM journal WHERE act LIKE '%link' ORDER BY id")
    assert acts == [("grant_link", "test"), ("revoke_link", "test")]


def test_attempts_at_several_invoices_are_found_by_their_order_id_alone(desk: Desk, store: Store):
    """Another account's order of the same name is not ours."""
    client = desk.open()
    desk.invoice(client), desk.invoice(client)
    shown = found(store, granted(store, Target(client, None)).token)
    attempt = clicked(store, shown, replace(CLICK, account="else/test"))

    desk.deliver([a_report(attempt.money, meant_for=attempt.order_id)])
    desk.settle()

    assert desk.payments()[0].unapplied_minor == 0
    assert ("unknown_invoice", "payment:1") in desk.attention()
