"""MobilPay's refusals: a number and its words, as its pages and answers tell them."""

from sandbox.gateway import NotDone

# doc.netopia-payments.com, payment-api v1, error codes, read 2026-11-20.
MESSAGES = {
    0: "Tranzactia aprobata",
    20: "Fonduri insuficiente",
    32: "Suma incorecta",
    33: "Moneda nepermisa",
    36: "Tranzactie respinsa de sistemul antifrauda",
    48: "Cerere invalida",
    51: "Doar o preautorizare poate fi anulata",
    52: "Doar o preautorizare poate fi confirmata",
    53: "Doar o comanda confirmata poate fi creditata",
    54: "Suma de creditat este mai mare decat suma tranzactiei",
    55: "Suma de capturat este mai mare decat suma preautorizata",
    56: "Cerere duplicata",
    99: "Eroare generica",
}


class MobilpayError(NotDone):
    """Something that MobilPay does not do; `code` is its own number for it."""

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{MESSAGES[code]} ({code}){f': {detail}' if detail else ''}")
        self.code = code
