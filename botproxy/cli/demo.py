"""`botproxy demo`: a small site to put the proxy in front of."""

from __future__ import annotations

import click


@click.command()
@click.option(
    "--listen", default="127.0.0.1:3000", show_default=True, metavar="HOST:PORT", help="Where the site listens."
)
def demo(listen: str) -> None:
    """Serve a demo site: pages, images, a form, an API, a WebSocket, events, downloads."""
    from botproxy.aio import parse_endpoint
    from botproxy.demo import run

    try:
        endpoint = parse_endpoint(listen)
        run(endpoint.host or "0.0.0.0", endpoint.port)  # noqa: S104 - the host was left out on purpose
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--listen") from error
    except OSError as error:
        raise click.ClickException(f"the demo site cannot listen on {listen}: {error.strerror or error}") from error
