"""A pretend gateway of the sandbox that runs beside: its page, and the trouble it makes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx
from lxml import html

from cli.simulation.screen import Sent
from domain.errors import Refused
from gateways import mobilpay_order
from runtime import wiring
from runtime.settings import Settings, settings

_TIMEOUT_SECONDS = 30.0
_MOST_STEPS = 3


@dataclass(frozen=True, slots=True)
class _Place:
    """What a gateway is called, where its address is set, and whether live money moves there."""

    title: str
    setting: str
    address: Callable[[Settings], str]
    is_live: Callable[[Settings], bool]


_PLACES = {
    "paypal": _Place(
        "PayPal", "PAYPAL_API_BASE", lambda own: own.paypal_api_base, lambda own: own.paypal_is_live
    ),
    "netopia": _Place(
        "NETOPIA",
        "NETOPIA_API_BASE",
        lambda own: own.netopia_api_base,
        lambda own: own.netopia_is_live,
    ),
    "mobilpay": _Place(
        "MobilPay",
        "MOBILPAY_URL",
        lambda own: own.mobilpay_url,
        lambda own: mobilpay_order.is_live(own.mobilpay_url),
    ),
}


@dataclass(frozen=True, slots=True)
class Pretence:
    """One gateway of the sandbox at `root`; `browser` is the customer's."""

    name: str
    title: str
    root: str
    browser: httpx.Client

    def told(self) -> Mapping[str, Any]:
        """What the sandbox says of itself."""
        answer = self.browser.get(f"{self.root}/control")
        return dict(answer.raise_for_status().json())

    def is_quiet(self) -> bool:
        """Whether nothing is on its way from there."""
        return not self.told()["waiting"]

    @contextmanager
    def troubled(self, copies: int, *, is_shuffled: bool) -> Iterator[None]:
        """Meanwhile each event is posted so often, and the later ones overtake."""
        stood = self.told()[self.name]
        wanted = {
            "duplicate": 1.0 if copies > 1 else 0.0,
            "copies": max(1, copies - 1),
            "reorder": 1.0 if is_shuffled else 0.0,
        }
        self._turn(wanted)
        try:
            yield
        finally:
            self._turn({name: stood[name] for name in wanted})

    def sent(self, before: Mapping[str, Any]) -> Sent:
        """What it has posted since it said this of itself."""
        then, now = (each[self.name]["counters"] for each in (before, self.told()))
        names = ("events", "attempts", "accepted", "refused")
        return Sent(*(now.get(name, 0) - then.get(name, 0) for name in names))

    def pay(self, link: str, amount: str | None) -> None:
        """The customer clicks the gateway's button at our link, and *Pay* at the gateway's page."""
        shown = self._post(link, {"gateway": self.name} | ({"amount": amount} if amount else {}))
        for _ in range(_MOST_STEPS):
            form = _form(shown, f"{self.root}/{self.name}")
            if form is None:
                break
            shown = self._post(urljoin(str(shown.url), form.action), dict(form.fields))
            if form.xpath(_PAY):
                return
        raise Refused(
            "no_page", f"{self.title}'s page was not reached: {shown.url} says {_words(shown)}"
        )

    def _turn(self, knobs: Mapping[str, object]) -> None:
        self.browser.post(f"{self.root}/control/knobs", json={self.name: knobs}).raise_for_status()

    def _post(self, address: str, form: Mapping[str, str]) -> httpx.Response:
        try:
            return self.browser.post(address, data=form)
        except httpx.TransportError as error:
            raise Refused(
                "nothing_running", f"nobody answers at {address}: start it with `make run`"
            ) from error


@contextmanager
def opened(name: str) -> Iterator[Pretence]:
    """The gateway of that name; Refused where it is not one of a sandbox that runs."""
    place, own = _PLACES[name], settings()
    if name not in wiring.gateways():
        raise Refused(
            "not_configured",
            f"{place.title} is not configured: `make run` pretends every gateway without keys",
        )
    if place.is_live(own):
        raise Refused("live_mode", "this installation books live money: nothing is pretended here")
    root, _, path = place.address(own).rstrip("/").rpartition("/")
    with httpx.Client(trust_env=False, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as browser:
        pretence = Pretence(name, place.title, root, browser)
        if path != name or not _is_sandbox(pretence):
            raise Refused(
                "not_pretended",
                f"{place.setting} leads to no sandbox that runs: take {place.title}'s keys out of"
                " .env, and `make run` pretends it",
            )
        yield pretence


def _is_sandbox(pretence: Pretence) -> bool:
    try:
        return pretence.name in pretence.told()
    except (httpx.HTTPError, ValueError):
        return False


_PAY = ".//*[@data-test='pay']"


def _form(shown: httpx.Response, gateway: str) -> "html.FormElement | None":
    """The gateway's *Pay*, or the form that leads to its page; None where there is neither."""
    if not shown.content:
        return None
    forms = html.fromstring(shown.content).forms
    paying = [each for each in forms if each.xpath(_PAY)]
    leading = [each for each in forms if (each.action or "").startswith(gateway)]
    return next(iter((*paying, *leading)), None)


def _words(shown: httpx.Response) -> str:
    text = " ".join(html.fromstring(shown.content).text_content().split()) if shown.content else ""
    return f"{shown.status_code} {text[:200]}"
