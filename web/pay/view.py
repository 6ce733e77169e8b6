"""The page as HTML: everything is written out here, nothing is fetched from anywhere."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from domain.ids import Kind, public
from domain.letters import Language
from domain.links import Bill, Saying
from domain.money import Money, decimal_text
from gateways.port import Form, Gateway
from ledger.links.showing import Page
from web.pay import words

_FOLDER = Path(__file__).parent / "templates"
_STYLE = (_FOLDER / "page.css").read_text()
_SUBMIT = "document.forms[0].submit()"  # the only script there is, on the only page that has one
_REFRESH_SECONDS = 5


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


_STYLE_HASH, _SUBMIT_HASH = _hash(_STYLE), _hash(_SUBMIT)


@dataclass(frozen=True, slots=True)
class Sight:
    """A page with what it says and how it is reached; `is_back`: the customer was at a gateway."""

    page: Page
    said: Saying
    path: str
    language: Language
    takes_parts: bool
    is_choice: bool
    is_back: bool = False


def whole(
    sight: Sight, gateways: Mapping[str, Gateway], status: int = 200, notice: str | None = None
) -> HTMLResponse:
    """The page of a link that opens something; `notice` is why a click did not lead on."""
    is_payable = sight.said in (Saying.PAYABLE, Saying.FAILED)
    by_currency = sorted(sight.page.bills, key=lambda bill: bill.invoice.currency)
    groups = [
        _group(sight, currency, list(bills), gateways, is_payable=is_payable)
        for currency, bills in groupby(by_currency, lambda bill: bill.invoice.currency)
    ]
    shown = {
        "seller": sight.page.seller,
        "ibans": sight.page.ibans if is_payable else (),
        "path": sight.path,
        "groups": groups,
        "back": sight.is_back,
    }
    return _answer(
        sight.language,
        status,
        page=shown,
        state=sight.said.value,
        said=words.saying(sight.said, sight.language),
        notice=_notice(notice, sight.language),
        refresh_seconds=_refresh(sight.said, is_back=sight.is_back),
    )


def closed(said: Saying, language: Language, *, is_back: bool = False) -> HTMLResponse:
    """What is said of a link that opens nothing any more, and no word of whose it was."""
    return _answer(
        language,
        410,
        said=words.saying(said, language),
        state=said.value,
        refresh_seconds=_refresh(said, is_back=is_back),
    )


def leading(form: Form, language: Language) -> HTMLResponse:
    """A form that goes on by itself to a gateway's page, or by a button where scripts are off."""
    html = (
        _environment()
        .get_template("order.html")
        .render(
            language=language,
            words=words.WORDS[language],
            style=_STYLE,
            form=form,
            script=_SUBMIT,
        )
    )
    return HTMLResponse(html)


def refusal(code: str, status: int, language: Language) -> HTMLResponse:
    """What is said to somebody without a link."""
    return _answer(language, status, notice=_notice(code, language))


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _answer(language: Language, status: int, **shown: object) -> HTMLResponse:
    empty = dict.fromkeys(("page", "state", "said", "notice", "refresh_seconds"))
    html = (
        _environment()
        .get_template("page.html")
        .render(language=language, words=words.WORDS[language], style=_STYLE, **(empty | shown))
    )
    return HTMLResponse(html, status)


def _refresh(said: Saying, *, is_back: bool) -> int | None:
    """How often the page that a gateway led back to looks again; None: it stands still."""
    return _REFRESH_SECONDS if is_back and said is Saying.PROCESSING else None


def _notice(code: str | None, language: Language) -> str | None:
    return None if code is None else words.NOTICES[language][code]


def _group(
    sight: Sight,
    currency: str,
    bills: Sequence[Bill],
    gateways: Mapping[str, Gateway],
    *,
    is_payable: bool,
) -> dict[str, object]:
    """The invoices of one currency, which are paid together."""
    payable = [bill for bill in bills if bill.is_payable] if is_payable else []
    is_choice = sight.is_choice and len(payable) > 1
    open_ = Money(currency, sum(bill.invoice.open_minor for bill in payable))
    return {
        "currency": currency,
        "is_payable": bool(payable),
        "is_choice": is_choice,
        "takes_parts": sight.takes_parts,
        "open": words.amount(open_, sight.language),
        "amount": "" if is_choice else decimal_text(open_),  # empty: all that is chosen
        "gateways": [
            (name, words.GATEWAYS.get(name, name))
            for name, gateway in sorted(gateways.items(), reverse=True)
            if gateway.serves(currency)
        ],
        "bills": [
            _bill(bill, sight.language, is_choice=sight.is_choice and bill in payable)
            for bill in bills
        ],
    }


def _bill(bill: Bill, language: Language, *, is_choice: bool) -> dict[str, object]:
    invoice = bill.invoice

    def amount(minor: int) -> str:
        return words.amount(Money(invoice.currency, minor), language)

    paid_minor = invoice.paid_minor + invoice.settled_before_minor
    reduced_minor = invoice.credited_minor + invoice.written_off_minor
    return {
        "id": public(Kind.INVOICE, invoice.id),
        "number": invoice.number,
        "due": words.day(invoice.due_on, language),
        "total": amount(invoice.total_minor),
        "paid": amount(paid_minor) if paid_minor else None,
        "reduced": amount(reduced_minor) if reduced_minor else None,
        "open": amount(invoice.open_minor),
        "is_processing": bill.is_processing,
        "is_choice": is_choice,
    }


def guard(response: Response, base_url: str, *, is_leading: bool = False) -> Response:
    """Adds what every answer carries: nothing is kept, framed, referred to, fetched or run.

    But for the one line that sends the form of a page that `is_leading`.

    A form leads on to a gateway's page, and browsers hold that redirect against form-action too.
    Where we are served on loopback, so is the pretend gateway.
    """
    is_loopback = urlsplit(base_url).hostname in ("127.0.0.1", "localhost")
    gateways = "https: http://127.0.0.1:*" if is_loopback else "https:"
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none';"
        f" style-src '{_STYLE_HASH}'; form-action 'self' {gateways}"
        + (f"; script-src '{_SUBMIT_HASH}'" if is_leading else "")
    )
    return response


_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}
