"""The events of a run: number n always tells of the same payment. Light: load processes import it.

Every invoice is paid in four equal parts, so three payments of four leave it partly paid and the
fourth closes it. The parts of one invoice lie `spread` groups of four events apart: every stretch
of events does the same mix of work, and no batch meets one invoice twice.
"""

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

PARTS = 4


@dataclass(frozen=True, slots=True)
class Series:
    """Bodies are `template` with the marks replaced: the number in `digits`, the invoice's name."""

    template: str
    number_mark: str
    invoice_mark: str
    invoice_format: str
    digits: int
    spread: int

    @property
    def settled_before(self) -> int:
        """Events below this number are settled before anything is measured."""
        return PARTS * (PARTS - 1) * self.spread

    def prefilled(self) -> Iterator[int]:
        """The numbers below `settled_before` that there are: 6 for each group of the spread."""
        return (n for n in range(self.settled_before) if self.invoice(n) >= 0)

    def invoice(self, number: int) -> int:
        """Which invoice the event pays, counted from 0; below 0 there is no such event."""
        group, part = divmod(number, PARTS)
        return group - part * self.spread

    def invoices(self, numbers: int) -> int:
        """How many invoices the first `numbers` events need."""
        return numbers // PARTS + 1

    def name(self, number: int) -> str:
        """What the event and its payment have in their ids."""
        return f"{number:0{self.digits}}"

    def body(self, number: int) -> bytes:
        """The event, byte for byte."""
        invoice = self.invoice_format.format(self.invoice(number) + 1)
        text = self.template.replace(self.number_mark, self.name(number))
        return text.replace(self.invoice_mark, invoice).encode()


def requests(
    series: Series, numbers: Iterable[int], secret: str, address: str, second: int
) -> list[bytes]:
    """Whole HTTP requests, signed as Stripe signs at this Unix second."""
    key, stamp = secret.encode(), b"%d" % second
    head = (
        f"POST /webhooks/stripe HTTP/1.1\r\nHost: {address}\r\nAccept: */*\r\n"
        "User-Agent: Stripe/1.0 (+https://stripe.com/docs/webhooks)\r\n"
        "Content-Type: application/json; charset=utf-8\r\n"
    ).encode()

    def request(body: bytes) -> bytes:
        signature = hmac.digest(key, b"%b.%b" % (stamp, body), "sha256").hex().encode()
        return b"%bStripe-Signature: t=%b,v1=%b\r\nContent-Length: %d\r\n\r\n%b" % (
            *(head, stamp, signature, len(body)),
            body,
        )

    return [request(series.body(number)) for number in numbers]
