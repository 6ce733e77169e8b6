"""Hosted links over HTTP: looking changes nothing, a click opens a gateway's page.

A forged click needs no token against forgery: it moves no money and sets no cookie. It can only
open a page at which somebody still has to pay by hand, and whoever can send it knows the link.
"""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import monotonic
from urllib.parse import parse_qs

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from domain import ids, letters, links
from domain.errors import Refused, TryLater
from domain.letters import Language
from domain.links import AttemptState, Fate
from gateways.capabilities import Verb
from ledger.links import showing
from ledger.links.attempting import Click
from ledger.links.showing import Shown
from ledger.store import Store
from runtime import senders
from runtime.hosted import Hosted
from runtime.strangers import Strangers
from web.pay import paying, view
from web.pay.paying import Counter
from web.pay.view import Sight

_log = structlog.get_logger(__name__)

MOST_WRONG_PER_MINUTE = 30
_MOST_BODY_BYTES = 16 * 1024
_MOST_FIELDS = 300
_LONGEST_TOKEN = 200
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Visit:
    """Who asked for what; all of it is read before any thread takes the request."""

    token: str
    language: Language | None
    is_back: bool
    form: dict[str, list[str]]
    attempt_id: int = 0


class Pages:
    """The routes of hosted links over one database."""

    def __init__(self, store: Store, hosted: Hosted, now: Callable[[], datetime]) -> None:
        self._store = store
        self._hosted = hosted
        self._now = now
        self._strangers = Strangers(MOST_WRONG_PER_MINUTE)

    def routes(self) -> list[Route]:
        """Where they are found; their order does not matter."""
        return [
            Route("/pay/{token}", self._show, methods=["GET"]),
            Route("/pay/{token}", self._pay, methods=["POST"]),
            Route("/pay/{token}/return", self._back, methods=["GET"]),
            Route("/pay/{token}/orders/{attempt:int}", self._lead, methods=["GET"]),
        ]

    async def _show(self, request: Request) -> Response:
        return self._guard(await self._served(request, _visit(request), self._look))

    async def _back(self, request: Request) -> Response:
        """Where a gateway sends the customer, beside the token with the attempt he comes from."""
        visit = _visit(request, is_back=True)
        return self._guard(await self._served(request, visit, self._look))

    async def _lead(self, request: Request) -> Response:
        """Where a customer goes on to a gateway that takes a form alone."""
        visit = replace(_visit(request), attempt_id=request.path_params["attempt"])
        answer = await self._served(request, visit, self._order)
        return view.guard(answer, self._hosted.base_url, is_leading=True)

    async def _pay(self, request: Request) -> Response:
        form = await _form(request)
        if form is None:
            return self._guard(Response(status_code=413))
        visit = replace(_visit(request), form=form)
        return self._guard(await self._served(request, visit, self._click))

    def _guard(self, response: Response) -> Response:
        return view.guard(response, self._hosted.base_url)

    async def _served(
        self, request: Request, visit: _Visit, serve: Callable[[_Visit, Shown], Response]
    ) -> Response:
        """The answer to a known token; else 404, and 429 for those who go on guessing."""
        language = visit.language or _accepted(request)
        try:
            answer = await run_in_threadpool(self._open, visit, serve)
        except TryLater:
            return view.refusal("busy", 503, language)
        except Exception as error:  # noqa: BLE001 - the edge: a page, not a bare number
            _log.error("page_failed", error_id=secrets.token_hex(6), exc_info=error)
            return view.refusal("busy", 500, language)
        if answer is not None:
            return answer
        sender = senders.address(request.scope, self._hosted.proxies)
        if self._strangers.is_flooding(sender, monotonic()):
            return view.refusal("too_many", 429, language)
        return view.refusal("unknown", 404, language)

    def _open(self, visit: _Visit, serve: Callable[[_Visit, Shown], Response]) -> Response | None:
        with self._store.transaction() as books:
            shown = showing.find(books, visit.token, self._now())
        return None if shown is None else serve(visit, shown)

    def _look(self, visit: _Visit, shown: Shown) -> Response:
        sight = self._sight(visit, shown)
        if shown.fate is not Fate.OPEN:
            return view.closed(sight.said, sight.language, is_back=sight.is_back)
        return view.whole(sight, self._hosted.gateways)

    def _click(self, visit: _Visit, shown: Shown) -> Response:
        """303 to the gateway, or back to the page with a word why not."""
        sight = self._sight(visit, shown)
        if shown.fate is not Fate.OPEN:
            return view.closed(sight.said, sight.language)
        counter = Counter(self._store, self._hosted.address(visit.token), self._now)
        try:
            click = _chosen(visit, sight, self._hosted)
            gateway = self._hosted.gateways[click.gateway]
            url = paying.open_page(counter, gateway, shown, click)
        except Refused as refusal:
            return self._refused(visit, shown, refusal.code)
        except TryLater:
            return view.whole(sight, self._hosted.gateways, 503, "busy")
        return RedirectResponse(url, 303)

    def _order(self, visit: _Visit, shown: Shown) -> Response:
        """The order as a form, or back to the page, which says how things stand."""
        address = self._hosted.address(visit.token)
        counter = Counter(self._store, address, self._now)
        form = (
            paying.form(counter, self._hosted.gateways, shown, visit.attempt_id)
            if shown.fate is Fate.OPEN
            else None
        )
        if form is None:
            return RedirectResponse(address, 303)
        return view.leading(form, self._sight(visit, shown).language)

    def _refused(self, visit: _Visit, shown: Shown, code: str) -> Response:
        if code in ("nothing_to_pay", "link_closed"):
            return RedirectResponse(self._hosted.address(visit.token), 303)
        sight = self._sight(visit, shown)
        if code in ("beyond_open", "malformed_amount", "amount_out_of_range"):
            return view.whole(sight, self._hosted.gateways, 422, "amount")
        if code == "too_many_attempts":
            return view.whole(sight, self._hosted.gateways, 429, "too_often")
        return view.whole(sight, self._hosted.gateways, 409, "refused")

    def _sight(self, visit: _Visit, shown: Shown) -> Sight:
        with self._store.snapshot() as books:
            page = showing.page(books, shown.link)
            attempt = showing.attempt(books, shown.link, visit.attempt_id)
        is_back = visit.is_back and not self._takes_nothing(attempt)
        return Sight(
            page=page,
            said=links.saying(shown.fate, page.bills, is_back=is_back),
            path=f"/pay/{visit.token}",
            language=visit.language or page.language,
            takes_parts=shown.link.takes_parts,
            is_choice=shown.link.invoice_id is None,
            is_back=is_back,
        )

    def _takes_nothing(self, attempt: tuple[str, AttemptState] | None) -> bool:
        """Whether we have ended what he comes back from, at a gateway where we take the money."""
        if attempt is None or attempt[1] not in links.ENDED:
            return False
        gateway = self._hosted.gateways.get(attempt[0])
        return gateway is not None and gateway.capabilities.can(Verb.CAPTURE)


def _visit(request: Request, *, is_back: bool = False) -> _Visit:
    asked = request.query_params.get("lang")
    attempt = request.query_params.get("attempt", "")
    return _Visit(
        token=request.path_params["token"][:_LONGEST_TOKEN],
        language=letters.language(asked) if asked in ("ro", "en") else None,
        is_back=is_back,
        form={},
        attempt_id=int(attempt) if _NUMBER.fullmatch(attempt) else 0,
    )


async def _form(request: Request) -> dict[str, list[str]] | None:
    """The fields of a form, as browsers send them; None for one that no page of ours sends."""
    parts: list[bytes] = []
    async for part in request.stream():
        parts.append(part)
        if sum(map(len, parts)) > _MOST_BODY_BYTES:
            return None
    text = b"".join(parts).decode("utf-8", "replace")
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return None


def _chosen(visit: _Visit, sight: Sight, hosted: Hosted) -> Click:
    """What of the form is the customer's to choose; what is owed, and of what, is ours to know.

    Refused when the gateway is none of ours, or does not serve the currency.
    """
    first = [bill.invoice.currency for bill in sight.page.bills if bill.is_payable]
    if not first:
        raise Refused("nothing_to_pay", "nothing of this is to be paid now")
    asked = _only(visit.form, "currency")
    currency = asked if asked in first else first[0]
    gateway = hosted.gateways.get(_only(visit.form, "gateway") or "")
    if gateway is None or not gateway.serves(currency):
        raise Refused("unsupported", f"no such gateway serves {currency}")
    named = {ids.number(ids.Kind.INVOICE, text) for text in visit.form.get("invoice", ())}
    chosen = frozenset(number for number in named if number is not None)
    return Click(
        gateway=gateway.name,
        account=gateway.account,
        language=sight.language,
        currency=currency,
        invoice_ids=chosen if sight.is_choice and "choice" in visit.form else None,
        part=_only(visit.form, "amount") or None,
    )


def _only(form: dict[str, list[str]], name: str) -> str | None:
    """The one value of a field; None when it is absent or doubled."""
    values = form.get(name, [])
    return values[0].strip() if len(values) == 1 else None


def _accepted(request: Request) -> Language:
    """What a stranger reads: English where his browser asks for that first."""
    return letters.language(
        "en" if request.headers.get("accept-language", "")[:2] == "en" else "ro"
    )
