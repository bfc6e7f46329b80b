"""`botproxy rules`: what a rule says of a request, part by part, and the rules that come with the product."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from botproxy.rules import Lists
    from botproxy.rules.explaining import Part
    from botproxy.scoring import Heuristics

TRUE, FALSE, ERROR = 0, 1, 2
SHOWN = 120
"""Characters of a value that are shown."""
_MEMBERS = 8


@click.group()
def rules() -> None:
    """Try rules out, and see those that come with the product."""


@rules.command()
def preset() -> None:
    """Print the preset `default`: the rules and rates of a site without a configuration, to be copied and changed."""
    from botproxy.rulesets import shipped_text

    click.echo(shipped_text(), nl=False)


@rules.command(name="eval")
@click.argument("expression")
@click.option(
    "--request",
    "file",
    required=True,
    metavar="FILE",
    help="The request: its head, `curl -v` text, a curl command, a HAR file, or events; - is standard input.",
)
@click.option(
    "--entry",
    type=click.IntRange(1),
    default=1,
    metavar="N",
    help="Which one of a HAR file or of events.",
)
@click.option("--ray", default="", metavar="ID", help="Which one of events, by its ray id.")
@click.option(
    "--config",
    "config",
    metavar="CONFIG",
    help="Configuration whose lists and fingerprints are used.",
)
@click.option(
    "--ip",
    "address",
    metavar="ADDRESS",
    help="Suppose that this is the visitor's address.",
)
@click.option("--score", type=click.IntRange(0, 99), help="Suppose this bot score.")
@click.option(
    "--verified-bot",
    metavar="CATEGORY",
    help='Suppose a verified bot, such as "Search Engine Crawler".',
)
@click.option(
    "--js",
    type=click.Choice(["passed", "failed", "missing"]),
    help="Suppose this of JavaScript detections.",
)
@click.option("--country", metavar="CODE", help="Suppose that the address is in this country.")
@click.option(
    "--asn",
    type=click.IntRange(0, 2**32 - 1),
    help="Suppose that the address is in this network.",
)
@click.option("--ja3", metavar="HASH", help="Suppose this JA3 hash.")
@click.option("--ja4", metavar="FINGERPRINT", help="Suppose this JA4 fingerprint.")
@click.option(
    "--https/--http",
    "secure",
    default=None,
    help="Suppose this scheme.  [default: as recorded, or https]",
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing, only exit 0, 1 or 2.")
def evaluate(
    expression: str,
    file: str,
    entry: int,
    ray: str,
    config: str | None,
    quiet: bool,
    **supposed: Any,
) -> None:
    """Say whether EXPRESSION is true of a request, and show what each part of it comes to.

    The exit code is 0 when it is true, 1 when it is false, and 2 when something is wrong.

    \b
    botproxy rules eval 'http.user_agent contains "curl"' --request request.txt
    curl -v https://shop.example/ 2>&1 | botproxy rules eval 'cf.bot_management.score lt 30' --request -
    botproxy rules eval 'ip.src in $office' --config botproxy.yaml --request data/events.jsonl --ray 0123456789abcdef
    """
    from botproxy.cli.recorded import read_request
    from botproxy.cli.supposed import Supposed, situation
    from botproxy.errors import OperatorError
    from botproxy.rules import compile_expression
    from botproxy.rules.explaining import explain

    try:
        lists, heuristics = _configured(config)
        compiled = compile_expression(expression, lists=lists)
        recorded = read_request(_content(file), entry, ray)
        facts, notes = situation(recorded, Supposed(**supposed), heuristics)
    except OperatorError as error:
        click.echo(str(error), err=True)
        raise SystemExit(ERROR) from None
    explained = explain(compiled, facts)
    if not quiet:
        request = facts.request
        click.echo(f"{recorded.kind}: {_safe(request.method)} {_safe(request.target, SHOWN)} of {request.host}")
        for note in notes:
            click.echo(f"note: {note}")
        for name in sorted(compiled.fields & _unknowable()):
            click.echo(f"note: {name} is always missing here")
        if facts.bot_management is None and compiled.uses_bot_management:
            click.echo("note: without bot fields the proxy does not evaluate this rule at all")
        click.echo()
        for line in tree(explained):
            click.echo(line)
    raise SystemExit(TRUE if explained.value else FALSE)


def _unknowable() -> frozenset[str]:
    from botproxy.rules import UNKNOWABLE

    return UNKNOWABLE


def _configured(file: str | None) -> tuple[Lists, Heuristics | None]:
    from botproxy.config import Source, examine
    from botproxy.scoring import Settings, load_heuristics

    if file is None:
        return {}, load_heuristics(Settings())
    examined = examine(Source.from_file(file))
    return examined.lists.lists, load_heuristics(examined.config.scoring)


def _content(file: str) -> bytes:
    from botproxy.cli.recorded import MAX_BYTES, RecordedError

    try:
        if file == "-":
            return sys.stdin.buffer.read(MAX_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not the path of a file"
        raise RecordedError(f"{file} cannot be read: {reason}") from None


def tree(part: Part, head: str = "", tail: str = "") -> Iterator[str]:
    """The lines that show a part and what it is made of."""
    yield head + shown(part)
    for at, each in enumerate(part.parts):
        last = at == len(part.parts) - 1
        yield from tree(each, tail + ("└─ " if last else "├─ "), tail + ("   " if last else "│  "))


def shown(part: Part) -> str:
    """One part on one line."""
    text = " ".join(part.text.split())
    if part.condition and isinstance(part.value, bool):
        word = "true" if part.value else "false"
        return f"{click.style(f'{word:<5}', fg='green' if part.value else 'red')}  {text}"
    if part.condition:
        return f"{'each':<5}  {text} = {_value(part.value)}"
    return f"{text} = {_value(part.value)}"


def _value(value: Any) -> str:
    if value is None:
        return click.style("missing", fg="yellow")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return f'"{_safe(value, SHOWN)}"'
    if isinstance(value, Mapping):
        items = [f"{_value(key)}: {_value(item)}" for key, item in list(value.items())[:_MEMBERS]]
        return "{" + ", ".join(items) + (", …" if len(value) > _MEMBERS else "") + "}"
    if isinstance(value, list | tuple):
        items = [_value(item) for item in value[:_MEMBERS]]
        return "[" + ", ".join(items) + (", …" if len(value) > _MEMBERS else "") + "]"
    return str(value)


def _safe(value: bytes, most: int = 0) -> str:
    """Bytes as text that no terminal obeys."""
    cut = value[:most] if most else value
    text = cut.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return text + ("…" if len(cut) < len(value) else "")
