"""A click: an attempt stored first, its gateway called outside of every transaction, once or again.

Whoever dies in between leaves an attempt without a session: the next click says the same to the
gateway under the same key, and gets the same session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import sleep

import structlog

from domain.errors import Refused, TryLater
from gateways.capabilities import Verb
from gateways.port import Form, Gateway, Order
from ledger.links import attempting, leading
from ledger.links.attempting import Attempt, Click
from ledger.links.showing import Shown
from ledger.store import Store
from web.pay import words

_log = structlog.get_logger(__name__)

_MOST_ROUNDS = 4
# A gateway may answer a failure again under the same key: after this long another one is tried.
_PATIENCE = timedelta(minutes=1)
# How long a click waits for the answer that another one, under way, is about to store.
_LOOKS, _PAUSE_SECONDS = 20, 0.1
# Here a new attempt is the way out: nobody was shown the page of the old one.
_TRY_ANEW = ("order_differs", "session_closed")


@dataclass(frozen=True, slots=True)
class Counter:
    """Where clicks are served; `address` is that of the link's own page, `now` answers in UTC."""

    store: Store
    address: str
    now: Callable[[], datetime]


def open_page(counter: Counter, gateway: Gateway, shown: Shown, click: Click) -> str:
    """The address at which the customer pays; the same for all who click at once.

    Refused when there is nothing to pay, or the gateway will not; TryLater when it is away.
    """
    for _ in range(_MOST_ROUNDS):
        attempt = counter.store.act(
            lambda books: attempting.begin(books, shown, click, counter.now())
        )
        url = attempt.url or _opened(counter, gateway, attempt)
        if url is not None:
            return f"{counter.address}{url}" if url.startswith("/") else url
    raise TryLater(timedelta(seconds=5), "the attempt was replaced again and again")


def form(
    counter: Counter, gateways: Mapping[str, Gateway], shown: Shown, attempt_id: int
) -> Form | None:
    """What leads on to the page of an attempt's gateway; None where nothing is to be paid by it."""
    with counter.store.transaction() as books:
        found = leading.find(books, shown, attempt_id, counter.now())
    gateway = gateways.get(found.gateway) if found else None
    if found is None or gateway is None or gateway.account != found.account:
        return None
    if not gateway.capabilities.can(Verb.FORM):
        return None
    return gateway.form(_order(counter, found.attempt))


def _opened(counter: Counter, gateway: Gateway, attempt: Attempt) -> str | None:
    """Asks the gateway and stores its answer; None when another attempt is to be begun."""
    try:
        session = gateway.hosted_link(_order(counter, attempt))
    except Refused as refusal:
        _give_up(counter, attempt, refusal.code)
        if refusal.code in _TRY_ANEW:
            return None
        raise
    except TryLater as busy:
        url = _of_another_click(counter, attempt)
        if url is None and counter.now() - attempt.began_at > _PATIENCE:
            _give_up(counter, attempt, busy.detail)
        if url is None:
            raise
        return url
    is_ours = counter.store.act(
        lambda books: attempting.opened(books, attempt.id, session.id, session.url)
    )
    _log.info("session_opened", attempt=attempt.id, gateway=gateway.name, is_ours=is_ours)
    return session.url if is_ours else None


def _of_another_click(counter: Counter, attempt: Attempt) -> str | None:
    """What another click has stored meanwhile: a gateway may turn away whoever asks beside it."""
    for _ in range(_LOOKS):
        with counter.store.transaction() as books:
            url = attempting.get(books, attempt.id).url
        if url is not None:
            return url
        sleep(_PAUSE_SECONDS)
    return None


def _give_up(counter: Counter, attempt: Attempt, why: str) -> None:
    counter.store.act(lambda books: attempting.give_up(books, attempt.id))
    _log.warning("attempt_given_up", attempt=attempt.id, why=why)


def _order(counter: Counter, attempt: Attempt) -> Order:
    """What the gateway is told: from stored rows, so it is told the same by whoever tells it."""
    language = attempt.language
    return Order(
        order_id=attempt.order_id,
        references=attempt.numbers,
        description=words.description(attempt.numbers, language),
        money=attempt.money,
        language=language,
        seller_name=attempt.seller,
        return_url=f"{counter.address}/return?lang={language}&attempt={attempt.id}",
        cancel_url=f"{counter.address}?lang={language}",
        expires_at=attempt.expires_at,
        key=attempt.key,
        email=attempt.email,
        form_url=f"/orders/{attempt.id}?lang={language}",
    )
