"""What a sandbox is told at its start."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Who the pretend seller is, where webhooks go, and how fast time passes for retries."""

    webhooks: str  # the address that "/stripe" and its like are put behind
    stripe_key: str = "sk_test_sandbox"
    stripe_secrets: tuple[str, ...] = ("whsec_sandbox",)  # several while one is being rolled
    paypal_client_id: str = "sandbox-client"
    paypal_client_secret: str = "sandbox-secret"  # noqa: S105 - pretend, as all here
    paypal_webhook_id: str = "5AN0B0X000000WH1D"
    paypal_merchant_id: str = "SANDBOXMERCH1"
    cert_base: str | None = None  # what stands before /v1/notifications/certs/; None: our own
    netopia_api_key: str = "sandbox-key"
    netopia_pos: str = "SAND-BOXP-OINT-OFSA-LE00"
    netopia_key_file: Path | None = None  # where NETOPIA's public key is kept; None: nowhere
    ca_file: Path | None = (
        None  # where the authority of PayPal's certificate is kept; None: nowhere
    )
    mobilpay_signature: str = "SAND-BOXM-OBIL-PAY1-POSX"
    mobilpay_user: str = "sandbox-api"
    mobilpay_password: str = "sandbox-password"  # noqa: S105 - pretend, too
    mobilpay_keys: Path | None = None  # the folder of MobilPay's keys; None: nowhere
    seed: int | None = None  # of ids and knobs; None: another one at each start
    retry_scale: float = 0.01  # seconds of waiting for each second that a gateway would wait
    settle_seconds: float = 1.0  # until Stripe's balance transaction appears, and NETOPIA confirms
    token_seconds: int = 32_400
    netopia_page_seconds: int = 3 * 3600  # how long NETOPIA waits for a payment
    order_seconds: int = 3 * 3600  # how long PayPal waits for an approval, and then for a capture
