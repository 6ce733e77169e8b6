"""`python -m sandbox`: a sandbox until Ctrl-C, which says when it is ready."""

import argparse
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox import running
from sandbox.options import Options
from sandbox.world import World


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, listen, serve."""
    asked = _parser().parse_args(arguments)
    options = Options(
        webhooks=asked.webhooks.rstrip("/"),
        stripe_key=asked.stripe_key,
        stripe_secrets=tuple(asked.stripe_secret or ("whsec_sandbox",)),
        paypal_client_id=asked.paypal_client_id,
        paypal_client_secret=asked.paypal_client_secret,
        paypal_webhook_id=asked.paypal_webhook_id,
        paypal_merchant_id=asked.paypal_merchant_id,
        cert_base=asked.paypal_cert_base,
        netopia_api_key=asked.netopia_api_key,
        netopia_pos=asked.netopia_pos,
        netopia_key_file=asked.netopia_key_file,
        ca_file=asked.ca_file,
        mobilpay_signature=asked.mobilpay_signature,
        mobilpay_user=asked.mobilpay_user,
        mobilpay_password=asked.mobilpay_password,
        mobilpay_keys=asked.mobilpay_keys,
        seed=asked.seed,
        retry_scale=asked.retry_scale,
        settle_seconds=asked.settle_seconds,
    )
    if asked.fd is not None:
        with socket.socket(fileno=asked.fd) as listener:
            _serve(options, listener)
        return
    with running.listening(asked.port) as listener:
        _serve(options, listener)


def _serve(options: Options, listener: socket.socket) -> None:
    url = running.address(listener)
    world = World(options, url)

    def ready() -> None:
        sys.stdout.write(f"sandbox ready {url}\n")
        sys.stdout.flush()

    running.here(world, listener, ready)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    add = parser.add_argument
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--port", type=int, default=8450, help="on 127.0.0.1; 0: any free one")
    where.add_argument("--fd", type=int, help="a socket that listens already")
    add("--webhooks", default="http://127.0.0.1:8000/webhooks", help="where events are sent")
    add("--stripe-key", default="sk_test_sandbox")
    add("--stripe-secret", action="append", help="again for each further one that is active")
    add("--paypal-client-id", default="sandbox-client")
    add("--paypal-client-secret", default="sandbox-secret")
    add("--paypal-webhook-id", default="5AN0B0X000000WH1D")
    add("--paypal-merchant-id", default="SANDBOXMERCH1")
    add("--paypal-cert-base", help="what stands before /v1/notifications/certs/; default: here")
    add("--netopia-api-key", default="sandbox-key")
    add("--netopia-pos", default="SAND-BOXP-OINT-OFSA-LE00", help="the point of sale's signature")
    add("--netopia-key-file", type=Path, help="where the public key is kept that NETOPIA signs for")
    add("--ca-file", type=Path, help="where the authority is kept that vouches for PayPal")
    add("--mobilpay-signature", default="SAND-BOXM-OBIL-PAY1-POSX")
    add("--mobilpay-user", default="sandbox-api", help="who may log in at MobilPay's SOAP")
    add("--mobilpay-password", default="sandbox-password")
    add("--mobilpay-keys", type=Path, help="the folder in which MobilPay's keys are kept")
    add("--seed", type=int, help="the same seed gives the same ids and the same trouble")
    add("--retry-scale", type=float, default=0.01, help="seconds for each that a gateway waits")
    add("--settle-seconds", type=float, default=1.0, help="until Stripe tells its fee")
    return parser


if __name__ == "__main__":
    main()
