"""`botproxy simulate`: what other rules would have done with recorded requests."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from botproxy.cli.operator import admin_options

if TYPE_CHECKING:
    from collections.abc import Iterable

    from botproxy.simulation import Comparison, Recorded, Solvers

HARM: Final = 1
DOUBT: Final = 2
FAULT: Final = 64
"""EX_USAGE of sysexits(3): click's own 2 has a meaning of its own here."""

SHOWN: Final = 60
_PRESET_SIGNS: Final = (b'"definitely-automated"', b'"programs.')


class Command(click.Command):
    """A command whose faults of use exit with `FAULT`."""

    def make_context(self, *given: Any, **named: Any) -> click.Context:
        """As click does."""
        with faults():
            return super().make_context(*given, **named)

    def invoke(self, ctx: click.Context) -> Any:
        """As click does."""
        with faults():
            return super().invoke(ctx)


@contextmanager
def faults() -> Iterator[None]:
    """What is wrong with how a command was called, or what it was given, exits with `FAULT`."""
    try:
        yield
    except click.ClickException as error:
        error.exit_code = FAULT  # type: ignore[misc]
        raise


@click.command(cls=Command)
@click.option("--rule", "expression", metavar="EXPRESSION", help="One more rule, at the end of a zone's own.")
@click.option(
    "--action",
    type=click.Choice(["block", "js_challenge", "managed_challenge", "challenge", "log"]),
    help="What the rule does.",
)
@click.option("--config", "file", metavar="NEW.yaml", help="Or a whole configuration.")
@click.option(
    "--running",
    metavar="OLD.yaml",
    help="The configuration in use. Left out, the verdicts that were recorded are compared with.",
)
@click.option("--zone", metavar="NAME", help="Requests of one zone; left out, of all of them.")
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="How far back: 30m, 24h, 7d.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data"),
    show_default=True,
    help="The data directory, whose events.jsonl files are read.",
)
@click.option(
    "--events",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Files of events instead, the oldest first; gzip too.",
)
@click.option("--store", is_flag=True, help="Ask the event store of the running proxy instead (--admin).")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@admin_options
def simulate(
    expression: str | None,
    action: str | None,
    file: str | None,
    running: str | None,
    zone: str | None,
    since: str,
    data: Path,
    events: tuple[Path, ...],
    store: bool,
    as_json: bool,
    admin: str,
    token_file: Path | None,
) -> None:
    """Say what a new rule, or a new configuration, would have done with recorded requests.

    \b
    The exit code is
      0   nothing speaks against it
      1   verified bots, programs that the preset `default` exempts, or people who solved
          challenges would be newly stopped
      2   that is not known, because more than 1 % of the requests cannot be judged,
          or there are none
      64  something is wrong with the command, the rules or the files

    \b
    botproxy simulate --rule 'cf.bot_management.score lt 10' --action block --since 7d
    botproxy simulate --config new.yaml --running botproxy.yaml --data /var/lib/botproxy
    """
    from botproxy.errors import OperatorError
    from botproxy.simulation import Comparison, Solvers

    if (expression is None) == (file is None):
        raise click.UsageError("give a rule (--rule and --action) or a configuration (--config)")
    if expression is not None and action is None:
        raise click.UsageError("what does the rule do? --action block, managed_challenge, …")
    if events and store:
        raise click.UsageError("events come from files (--events) or from the running proxy (--store)")
    oldest = time.time() - _seconds(since)
    if store:
        source: _Source = _Store(admin, token_file, oldest, zone)
    elif events:
        source = _Files(list(events), oldest, zone, named=True)
    else:
        source = _Files(_found(data), oldest, zone)
    try:
        seconds, before, make = _rules(expression, action, file, running, zone)
        solvers = Solvers(seconds)
        preset = source.learn(solvers)
        comparison = Comparison(make(preset), solvers, before)
    except OperatorError as error:
        _refuse(error)
    for recorded in source.records():
        comparison.add(recorded)
    _say(comparison, source, as_json)
    raise SystemExit(HARM if comparison.harmful else DOUBT if comparison.doubtful else 0)


def _refuse(error: Any) -> NoReturn:
    from botproxy.cli.check import print_problems

    problems = getattr(error, "problems", None)
    if problems and hasattr(problems[0], "file"):
        print_problems(problems)
    else:
        click.echo(str(error), err=True)
    raise SystemExit(FAULT)


def _seconds(text: str) -> float:
    from pydantic import TypeAdapter, ValidationError

    from botproxy.schema import Seconds

    try:
        return TypeAdapter[float](Seconds).validate_python(text)
    except ValidationError:
        raise click.BadParameter("so long ago, such as 30m, 24h or 7d", param_hint="--since") from None


def _found(data: Path) -> list[Path]:
    from botproxy.cli.event_lines import event_files

    files = event_files(data)
    if not files:
        raise click.ClickException(f"there are no events.jsonl files in {data}: give --data, --events, or --store")
    return files


def _rules(
    expression: str | None, action: str | None, file: str | None, running: str | None, zone: str | None
) -> tuple[float, Any, Callable[[bool], Any]]:
    """How long a solved challenge counts, what judges as the running rules do (None: what was recorded), and what makes
    the new rules, told whether the preset `default` was in use when the events were recorded."""
    from botproxy.cli import judges
    from botproxy.simulation import OneMore

    old = None if running is None else judges.read_rules(running)
    if expression is not None and old is None:
        rule = OneMore(expression, str(action))
        return 1800.0, None, lambda preset: lambda name: rule
    if file is not None:
        new = judges.read_rules(file)
    else:
        assert old is not None
        assert expression is not None
        new = judges.with_rule(old, expression, str(action), zone)
    names = [each.name for each in new.config.zones]
    if zone is not None and zone not in names:
        raise click.BadParameter(f"there is no zone {zone}; there is {', '.join(names)}", param_hint="--zone")
    if old is not None:
        same = judges.same_rules(old, new)
        before = judges.judges(old, zone, same)
        after = judges.judges(new, zone, same)
        return new.clearance_seconds, before.get, lambda preset: after.get
    known = judges.shipped_rules(new)
    return new.clearance_seconds, None, lambda preset: judges.judges(new, zone, known if preset else {}).get


class _Source:
    """Where recorded requests come from."""

    unreadable = 0
    first_bad = ""

    def learn(self, solvers: Solvers) -> bool:
        """Note who solved challenges; whether the preset `default` was in use."""
        raise NotImplementedError

    def records(self) -> Iterable[Recorded]:
        """The requests in the order of time."""
        raise NotImplementedError


class _Files(_Source):
    """Files of events. They are read twice: first for who solved challenges, at any time, then for all of it."""

    def __init__(self, files: list[Path], oldest: float, zone: str | None, named: bool = False) -> None:
        # A file that was last written before holds nothing of that time.
        self._files = files if named else [path for path in files if path.stat().st_mtime >= oldest]
        self._oldest = oldest
        self._zone = zone

    def learn(self, solvers: Solvers) -> bool:
        from botproxy.cli.event_lines import Lines, progress, size
        from botproxy.simulation import from_line

        preset = False
        with progress("who solved challenges", size(self._files)) as advance:
            for line in Lines(self._files, advance):
                if b'Solved"' in line:
                    event = _event(line)
                    recorded = from_line(event) if event is not None else None
                    if recorded is not None:
                        solvers.add(recorded)
                elif not preset:
                    preset = any(sign in line for sign in _PRESET_SIGNS)
        return preset

    def records(self) -> Iterator[Recorded]:
        from botproxy.cli.event_lines import Lines, progress, size
        from botproxy.simulation import from_line

        with progress("requests", size(self._files)) as advance:
            lines = Lines(self._files, advance)
            for line in lines:
                event = _event(line)
                recorded = from_line(event) if event is not None else None
                if recorded is None:
                    if line.strip():
                        self.unreadable += 1
                        self.first_bad = self.first_bad or f"{lines.path}:{lines.number}"
                    continue
                if recorded.start >= self._oldest and self._zone in (None, recorded.zone):
                    yield recorded
            self.unreadable += lines.too_long


def _event(line: bytes) -> dict[str, Any] | None:
    import orjson

    try:
        event = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return event if isinstance(event, dict) else None


class _Store(_Source):
    """The event store of a running proxy."""

    def __init__(self, admin: str, token_file: Path | None, oldest: float, zone: str | None) -> None:
        self._admin = admin
        self._token_file = token_file
        self._oldest = oldest
        self._zone = zone
        self._until = time.time()

    def learn(self, solvers: Solvers) -> bool:
        for recorded in self._asked(solved=True):
            solvers.add(recorded)
        return True

    def records(self) -> Iterator[Recorded]:
        from botproxy.cli.event_lines import progress

        with progress("requests", 0) as advance:
            for recorded in self._asked(solved=False):
                advance(1)
                yield recorded

    def _asked(self, solved: bool) -> Iterator[Recorded]:
        from urllib.parse import urlencode

        from botproxy.cli.operator import ask_lines
        from botproxy.simulation import from_store

        given = {"since": self._oldest, "until": self._until, "solved": "yes" if solved else ""}
        if self._zone is not None:
            given["zone"] = self._zone
        path = f"/api/simulate/events?{urlencode(given)}"
        import orjson

        for line in ask_lines(self._admin, self._token_file, path):
            yield from_store(orjson.loads(line))


def _say(comparison: Comparison, source: _Source, as_json: bool) -> None:
    found = comparison.result()
    found["unreadable"] = source.unreadable
    if as_json:
        import orjson

        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        for line in told(found):
            click.echo(line)
    if source.unreadable:
        where = f", the first at {source.first_bad}" if source.first_bad else ""
        click.echo(f"Warning: {source.unreadable} lines are no events and were passed over{where}", err=True)


def told(found: dict[str, Any]) -> Iterator[str]:
    """The result, for people."""
    compared = found["compared"]
    yield f"{compared:,} requests were judged by the new rules; {found['unseen']:,} more are never seen by rules"
    if found["elsewhere"]:
        yield f"{found['elsewhere']:,} requests were for zones that are not there"
    if not compared:
        yield "nothing can be concluded from no requests"
        return
    yield ""
    for name, word in (("same", "same"), ("changed", "changed"), ("unjudgeable", "cannot be judged")):
        yield f"  {word:<18}{found[name]:>12,}  {_share(found[name], compared)}"
    if found["drifted"]:
        yield f"  (the running rules say otherwise today than was recorded of {found['drifted']:,})"
    if found["missing"]:
        yield "\nCannot be judged for want of"
        for each in found["missing"][:8]:
            yield f"  {each['requests']:>12,}  {each['what']}"
    if found["changes"]:
        yield "\nChanges"
        for each in found["changes"]:
            yield f"  {each['requests']:>12,}  {_words(each)}"
    for title, key in (("path", "path"), ("client family", "client"), ("verified status", "verified")):
        if found["by"][key]:
            yield f"\nBy {title}"
            for each in found["by"][key]:
                yield f"  {each['requests']:>12,}  {_words(each):<32}  {_safe(each['value'])}"
    yield ""
    harm = {name: number for name, number in found["harm"].items() if number}
    if not harm:
        yield "Nobody who is known to be welcome would be newly stopped."
        return
    yield click.style("Newly stopped would be", fg="red")
    for name, number in harm.items():
        yield f"  {number:>12,}  {_HARMS[name]}"
    for each in found["harmed"][:5]:
        request = f"{_safe(each['method'])} {_safe(each['path'])}  {_safe(each['user_agent'])}"
        yield f"  {each['ray']}  {_words(each)}  {request}"


_HARMS: Final = {
    "solved_challenge": "requests of people who solved challenges",
    "verified_bots": "requests of verified bots",
    "welcome_automation": "requests of programs that the preset `default` exempts",
}


def _words(each: dict[str, Any]) -> str:
    return f"{each['before']} → {each['after']}"


def _share(number: int, whole: int) -> str:
    return f"{100 * number / whole:6.2f} %"


def _safe(text: str) -> str:
    """Text of strangers, as no terminal obeys it."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text[:SHOWN])
    return shown + ("…" if len(text) > SHOWN else "")
