"""Pretend NETOPIA, put together: `NETOPIA_API_BASE=http://127.0.0.1:P/netopia`."""

import json
from functools import partial
from itertools import cycle

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import netopia_api, netopia_pages, netopia_signing, panel_netopia
from sandbox.delivery import NETOPIA_RETRIES, Envelope, Transmission, Verdict
from sandbox.gateway import Gateway, Site
from sandbox.netopia_account import NetopiaAccount

# What NETOPIA calls the content is not reliable, and the audience of a token has two forms.
_TYPES: tuple[dict[str, str], ...] = (
    {"Content-Type": "application/json"},
    {"Content-Type": "text/plain"},
    {},
)
_VERDICTS: dict[object, Verdict] = {0: "taken", 1: "again", 2: "never"}


def opened(site: Site) -> Gateway[NetopiaAccount]:
    """A point of sale of its own, and the key that signs."""
    file = site.options.netopia_key_file
    key = netopia_signing.kept_key(file) if file else netopia_signing.new_key()
    pos = site.options.netopia_pos
    types = cycle(_TYPES)
    audiences: cycle[str | list[str]] = cycle((pos, [pos]))

    def wrap(sent: Transmission) -> Envelope:
        # Whether a repeated attempt has the first one's token is not known: here it has.
        if "headers" not in sent.repeated:
            second = int(site.clock().timestamp())
            token = netopia_signing.token(sent.body, next(audiences), second, key)
            sent.repeated["headers"] = {**next(types), "Verification-token": token}
        return Envelope(sent.repeated["headers"], sent.body)

    post = site.post("netopia", wrap, NETOPIA_RETRIES, judged)
    account = NetopiaAccount(site, post, key)
    return Gateway(
        name="netopia",
        title="NETOPIA",
        account=account,
        ledger=account.ledger,
        post=post,
        routes=[*netopia_api.routes(account), *netopia_pages.routes(account)],
        articles=partial(panel_netopia.articles, account),
        act=partial(panel_netopia.act, account),
        roots=[_public_key(account)],
    )


def judged(answer: httpx.Response) -> Verdict:
    """By `errorType`, beside a status of 200; whatever is none of it makes it come again."""
    try:
        told = answer.json() if answer.status_code == 200 else None
    except json.JSONDecodeError:
        return "again"
    kind = told.get("errorType") if isinstance(told, dict) else None
    return _VERDICTS.get(kind, "again") if type(kind) is int else "again"


def _public_key(account: NetopiaAccount) -> Route:
    async def shown(request: Request) -> Response:
        pem = netopia_signing.public_pem(account.key)
        return Response(pem, media_type="application/x-pem-file")

    return Route("/control/netopia-public-key.pem", shown, methods=["GET"])
