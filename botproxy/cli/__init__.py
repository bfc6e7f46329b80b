"""The command line: thin, and quick to start, because every command imports what it needs only when it runs."""

from __future__ import annotations

import importlib
import keyword
from typing import Any, Final

import click

from botproxy.errors import OperatorError

_COMMANDS: Final = {
    "serve": "serve",
    "check": "check",
    "rules": "rules",
    "bots": "bots",
    "places": "places",
    "reports": "reports",
    "feedback": "feedback",
    "mode": "running",
    "under-attack": "running",
    "config": "config",
    "clearance": "clearance",
    "detections": "detections",
    "reload": "running",
    "health": "running",
    "clients": "clients",
    "explain": "explain",
    "simulate": "simulate",
    "import": "importing",
    "export": "persons",
    "forget": "persons",
    "train": "train",
    "models": "models",
    "heuristics": "heuristics",
    "keys": "keys",
    "sitekeys": "sitekeys",
    "schema": "schema",
    "demo": "demo",
    "version": "version",
}


class Commands(click.Group):
    """Commands in the order in which people meet them, imported by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command with this name."""
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        name = cmd_name.replace("-", "_")
        name = f"{name}_" if keyword.iskeyword(name) else name
        command: click.Command = getattr(importlib.import_module(f"botproxy.cli.{module}"), name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; what an operator can mend is told in a sentence, without a traceback."""
        try:
            return super().invoke(ctx)
        except OperatorError as problem:
            raise click.ClickException(str(problem)) from None


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Put a bot score on every request to a site, and act on it by rules.

    \b
    Try it in front of a site of yours, watching only:
        botproxy serve --origin http://127.0.0.1:3000
    """


__all__ = ["main"]
