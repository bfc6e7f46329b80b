"""`botproxy serve`: the proxy itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from botproxy.config import Source
    from botproxy.supervisor import Ready


@click.command()
@click.option("--config", "file", metavar="FILE", help="Configuration; see config/botproxy.yaml for all settings.")
@click.option("--origin", metavar="URL", help="Without a file: put it in front of this site, for every host.")
@click.option("--mode", type=click.Choice(["observe", "enforce"]), help="Watch only, or act too.  [default: observe]")
@click.option("--listen", metavar="HOST:PORT", help="Where visitors connect.  [default: 127.0.0.1:8080]")
@click.option("--admin", metavar="HOST:PORT", help="Where operators connect.  [default: 127.0.0.1:9090]")
@click.option("--workers", type=int, metavar="N", help="Processes that serve.  [default: one for each core]")
@click.option("--data", metavar="DIR", help="Where events and the secret are written.  [default: data]")
def serve(
    file: str | None,
    origin: str | None,
    mode: Literal["observe", "enforce"] | None,
    listen: str | None,
    admin: str | None,
    workers: int | None,
    data: str | None,
) -> None:
    """Run the proxy, from a configuration or in front of one site.

    \b
    botproxy serve --origin http://127.0.0.1:3000
    botproxy serve --config botproxy.yaml
    """
    from botproxy.config.source import Source

    options = {"--mode": mode, "--listen": listen, "--admin": admin, "--workers": workers, "--data": data}
    given = [name for name, value in options.items() if value is not None]
    if (file is None) == (origin is None):
        raise click.UsageError("give either --config FILE or --origin URL")
    if file is not None:
        if given:
            raise click.UsageError(f"{given[0]} goes with --origin; with --config it is set in {file}")
        source = Source.from_file(file)
    else:
        assert origin is not None
        source = Source.from_origin(origin, mode=mode, listen=listen, admin=admin, workers=workers, data=data)
    raise SystemExit(_run(source))


def _run(source: Source) -> int:
    from botproxy.supervisor import run

    def announce(ready: Ready) -> None:
        if sys.stdout.isatty():
            click.echo("\n".join(greeting(source, ready)))

    return run(source, announce)


def greeting(source: Source, ready: Ready) -> list[str]:
    """Where to look and what to try, for people."""
    site = f"http://{_reachable(ready.listeners[0])}/"
    enforcing = ready.mode == "enforce"
    does = "scores every request and acts on it" if enforcing else "scores every request and lets it through"
    where = "" if ready.admin == "127.0.0.1:9090" else f" --admin {_reachable(ready.admin)}"
    if source.zero_config:
        title = f"botproxy stands in front of {_bold(source.origin)}: it {does}."
        visitors, hint, host = [f"the site   {_bold(site)}"], "no browser", ""
    else:
        title = f"botproxy serves {_bold(source.file)}: it {does}."
        visitors = [f"visitors   {_bold(address)}" for address in ready.listeners]
        hint, host = "HOST is one of your sites", "-H 'Host: HOST' "
    wanted = "challenged" if enforcing else "scored 1"
    tried = [
        (f"curl -i {host}{site}", f"is {wanted}: {hint}" if source.zero_config else hint),
        (f"botproxy mode {'observe' if enforcing else 'enforce'}{where}", "switches while it runs"),
    ]
    if not source.zero_config:
        tried.append((f"botproxy reload{where}", "takes changes of the file over"))
    width = max(len(command) for command, _ in tried)
    return [
        title,
        *(f"  {line}" for line in visitors),
        f"  admin      http://{_reachable(ready.admin)}/",
        f"  metrics    http://{_reachable(ready.admin)}/metrics",
        f"  events     {ready.data / 'events.jsonl'}" if source.zero_config else f"  data       {ready.data}/",
        "Try",
        *(f"  {command:<{width}}   {why}" for command, why in tried),
        "Ctrl-C ends it.",
    ]


def _bold(text: str) -> str:
    return click.style(text, bold=True)


def _reachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("", "[::]", "0.0.0.0") else address  # noqa: S104 - compared, not bound
