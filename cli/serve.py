"""`incasso serve`: the HTTP side, whole or the intake of webhooks alone."""

import socket
from typing import TYPE_CHECKING, Annotated, Literal, assert_never

import typer

if TYPE_CHECKING:
    from webhooks.app import Webhooks

Part = Literal["all", "webhooks"]


def serve(
    part: Annotated[Part, typer.Argument(help="Everything, or the intake alone.")] = "all",
    fd: Annotated[int | None, typer.Option(help="A listening socket to take over.")] = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help="The port; PORT when not given.")] = None,
) -> None:
    """Serve HTTP until told to stop."""
    import uvicorn

    from runtime import logs
    from runtime.settings import settings

    logs.set_up()
    server = uvicorn.Server(
        uvicorn.Config(
            build(part),
            host=host,
            port=settings().port if port is None else port,
            loop="uvloop",
            http="httptools",
            ws="none",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            log_config=None,
            timeout_graceful_shutdown=10,
        )
    )
    server.run(sockets=None if fd is None else [socket.socket(fileno=fd)])


def build(part: Part) -> "Webhooks":
    """The ASGI application of one part; Refused when its settings do not fit the database."""
    from webhooks import app as webhooks

    match part:
        case "all" | "webhooks":
            return webhooks.build()
        case _:
            assert_never(part)
