"""What the pages of hosted links say, in Romanian and English."""

from collections.abc import Mapping
from datetime import date

from domain.letters import Language
from domain.links import Saying
from domain.money import Money, decimal_text

GATEWAYS = {
    "stripe": "Card (Stripe)",
    "paypal": "PayPal",
    "netopia": "Card (NETOPIA)",
    "mobilpay": "Card (MobilPay)",
}

WORDS: Mapping[Language, Mapping[str, str]] = {
    "ro": {
        "title": "Plată",
        "to": "Plată către",
        "invoice": "Factura",
        "due": "scadentă la",
        "total": "Total",
        "paid": "Plătit până acum",
        "reduced": "Scăzut",
        "open": "De plată",
        "sum": "De plată în total",
        "pay_with": "Plătește cu",
        "choose": "Alegeți facturile pe care le plătiți acum.",
        "amount": "Suma pe care o plătiți acum",
        "transfer": "Sau prin transfer bancar, cu numărul facturii la mențiuni:",
        "no_gateway": "Această monedă se plătește prin transfer bancar.",
        "back": "Înapoi la pagina de plată",
        "processing": "se confirmă plata",
        "leading": "Mergeți mai departe la pagina de plată.",
        "go_on": "Mai departe",
    },
    "en": {
        "title": "Payment",
        "to": "Payment to",
        "invoice": "Invoice",
        "due": "due on",
        "total": "Total",
        "paid": "Paid so far",
        "reduced": "Taken off",
        "open": "To pay",
        "sum": "To pay in all",
        "pay_with": "Pay with",
        "choose": "Choose the invoices that you pay now.",
        "amount": "Amount that you pay now",
        "transfer": "Or by bank transfer, quoting the invoice number:",
        "no_gateway": "This currency is paid by bank transfer.",
        "back": "Back to the payment page",
        "processing": "payment is being confirmed",
        "leading": "You go on to the page where you pay.",
        "go_on": "Go on",
    },
}

_SAYINGS: Mapping[Language, Mapping[Saying, str]] = {
    "ro": {
        Saying.PAYABLE: "",
        Saying.FAILED: "Ultima încercare de plată nu a reușit. Puteți încerca din nou.",
        Saying.PROCESSING: "Plata se confirmă. Nu plătiți încă o dată; rezultatul apare aici.",
        Saying.PAID: "Plătit. Vă mulțumim!",
        Saying.CLOSED: "Nu mai este nimic de plată.",
        Saying.EXPIRED: "Acest link a expirat. Cereți unul nou celui care vi l-a trimis.",
        Saying.REVOKED: "Acest link nu mai este valabil. Cereți unul nou celui care vi l-a trimis.",
    },
    "en": {
        Saying.PAYABLE: "",
        Saying.FAILED: "The last try to pay did not succeed. You may try again.",
        Saying.PROCESSING: "The payment is being confirmed. Do not pay again; look here for more.",
        Saying.PAID: "Paid. Thank you!",
        Saying.CLOSED: "Nothing is to be paid any more.",
        Saying.EXPIRED: "This link has expired. Ask whoever sent it for a new one.",
        Saying.REVOKED: "This link is no longer valid. Ask whoever sent it for a new one.",
    },
}

NOTICES: Mapping[Language, Mapping[str, str]] = {
    "ro": {
        "unknown": "Acest link nu există. Verificați dacă l-ați copiat în întregime.",
        "too_many": "Prea multe încercări. Reveniți peste un minut.",
        "too_often": "Prea multe plăți începute prin acest link. Reveniți peste o oră.",
        "busy": "Nu s-a putut deschide pagina de plată. Încercați din nou peste un minut.",
        "refused": "Acest mod de plată nu este disponibil acum. Încercați altul, sau mai târziu.",
        "amount": "Scrieți suma ca 1190,00: mai mare ca zero și cel mult cât este de plată.",
    },
    "en": {
        "unknown": "There is no such link. Please check that you copied all of it.",
        "too_many": "Too many tries. Please come back in a minute.",
        "too_often": "Too many payments were begun by this link. Please come back in an hour.",
        "busy": "The page to pay at could not be opened. Please try again in a minute.",
        "refused": "This way to pay is not available now. Please try another one, or later.",
        "amount": "Write the amount as 1190.00: above zero and at most what is to be paid.",
    },
}


def saying(said: Saying, language: Language) -> str:
    """The sentence of a state; none where the page says it all."""
    return _SAYINGS[language][said]


def description(numbers: tuple[str, ...], language: Language) -> str:
    """What the gateway's own page says the money is for."""
    one, several = ("Factura", "Facturile") if language == "ro" else ("Invoice", "Invoices")
    return f"{one if len(numbers) == 1 else several} {', '.join(numbers)}"


def amount(money: Money, language: Language) -> str:
    """An amount as people write it: `1.190,00 RON`, `1,190.00 RON`."""
    whole, point, rest = decimal_text(money).partition(".")
    grouped = f"{int(whole):,}"
    if language == "ro":
        grouped, point = grouped.replace(",", "."), "," if point else ""
    return f"{grouped}{point}{rest} {money.currency}"


def day(on: date | None, language: Language) -> str:
    """A day as people write it."""
    if on is None:
        return ""
    return f"{on:%d.%m.%Y}" if language == "ro" else f"{on.day} {on:%B %Y}"
