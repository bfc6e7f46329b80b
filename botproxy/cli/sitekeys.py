"""`botproxy sitekeys`: keys for the widget on forms."""

from __future__ import annotations

import json

import click


@click.group()
def sitekeys() -> None:
    """Keys for the widget on forms."""


@sitekeys.command()
@click.option("--zone", required=True, metavar="NAME", help="The site whose key it is to be.")
@click.option("--host", "hosts", multiple=True, metavar="HOST", help="Page it may stand on; without any, the zone's.")
@click.option(
    "--mode", type=click.Choice(["managed", "non-interactive", "invisible"]), default="managed", show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, with the secret.")
def new(zone: str, hosts: tuple[str, ...], mode: str, as_json: bool) -> None:
    """Make a site key and its secret.

    Prints the entry for `sitekeys` of the zone; the proxy knows only a hash of the secret. The secret itself is shown
    this once, on standard error, for the server that asks siteverify.
    """
    from secrets import token_urlsafe

    from botproxy.challenges.widget import secret_hash
    from botproxy.challenges.widget_settings import SiteKeySettings

    key, secret = "0x4" + token_urlsafe(16), "0x4" + token_urlsafe(32)
    try:
        made = SiteKeySettings(key=key, secret_hash=secret_hash(secret), mode=mode, hosts=hosts)  # type: ignore[arg-type]
    except ValueError as error:
        raise click.BadParameter(str(error).splitlines()[2].strip(), param_hint="--host") from None
    if as_json:
        click.echo(json.dumps({"zone": zone, "key": key, "secret": secret, "secret_hash": made.secret_hash}))
        return
    lines = [f"- key: {key}", f"  secret_hash: {made.secret_hash}"]
    if mode != "managed":
        lines.append(f"  mode: {mode}")
    if hosts:
        lines.append(f"  hosts: {json.dumps(list(hosts))}")
    click.echo(f"# into `sitekeys:` of the zone {zone}; then: botproxy reload")
    click.echo("\n".join(lines))
    click.echo(f"secret of your server, shown this once: {secret}", err=True)
