"""PayPal's signature, written from its description: RSA over id, time, webhook id and CRC32."""

import base64
import zlib

from sandbox.paypal_certificates import Seal


def headers(
    body: bytes, transmission: tuple[str, str], webhook_id: str, seal: Seal, cert_url: str
) -> dict[str, str]:
    """The headers of one transmission: its id and its time are told as they are signed."""
    id_, time = transmission
    message = f"{id_}|{time}|{webhook_id}|{zlib.crc32(body)}".encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "PayPal/AUHD-214.0-58843160",
        "PAYPAL-TRANSMISSION-ID": id_,
        "PAYPAL-TRANSMISSION-TIME": time,
        "PAYPAL-TRANSMISSION-SIG": base64.b64encode(seal.sign(message)).decode(),
        "PAYPAL-CERT-URL": cert_url,
        "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        "PAYPAL-AUTH-VERSION": "v2",
        "CORRELATION-ID": id_.partition("-")[0],
    }
