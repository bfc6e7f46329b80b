"""Hooks of all zones: each is imported, in a process of its own, and its fault shown where it is named."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from botproxy.config.document import Path as TreePath
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config
from botproxy.hooks.settings import Settings

AT_ONCE: Final = 8
"""Processes that import hooks at a time."""


def hooks(config: Config) -> Iterator[Said]:
    """Each hook can be imported and called, gets no variable of the proxy's, and nobody else can write its code."""
    # Who only hands a source on, as the supervisor does, has no use for processes of hooks.
    from botproxy.hooks.spawn import RESERVED
    from botproxy.hooks.trial import Trial

    named: list[tuple[TreePath, Settings]] = []
    for at, zone in enumerate(config.zones):
        if zone.hook is not None:
            place: TreePath = ("zones", at, "hook")
            named.append((place, zone.hook))
            for nth, name in enumerate(zone.hook.environment):
                if name.startswith(RESERVED):
                    what = f"{shown(name)} is the proxy's own, and no hook is given it"
                    yield Said((*place, "environment", nth), what, "a variable with another name")
            yield from _writable(zone.hook.directory, (*place, "directory"))
    # The same code in several zones is imported once.
    distinct = list(dict.fromkeys(_code(settings) for _, settings in named))
    first = {_code(settings): settings for _, settings in reversed(named)}
    for start in range(0, len(distinct), AT_ONCE):
        trials = {code: Trial(first[code]) for code in distinct[start : start + AT_ONCE]}
        faults = {code: trial.result() for code, trial in trials.items()}
        for place, settings in named:
            fault = faults.get(_code(settings))
            if fault is not None:
                where = str(fault._replace(file=_as_written(fault.file, settings.directory), right=""))
                what = f"the hook {shown(settings.module)} cannot be used: {where}"
                yield Said((*place, "module"), what, fault.right)


def _code(settings: Settings) -> tuple[object, ...]:
    return settings.module, settings.directory, settings.memory, settings.environment


def _as_written(file: str, directory: Path | None) -> str:
    """The path of a file of the hook's, from the directory as the operator named it."""
    if directory is None or not Path(file).is_relative_to(directory.absolute()):
        return file
    return str(directory / Path(file).relative_to(directory.absolute()))


def _writable(directory: Path | None, place: TreePath) -> Iterator[Said]:
    if directory is None:
        return
    try:
        mode = directory.stat().st_mode
    except OSError:
        return
    if mode & stat.S_IWOTH:
        what = f"everybody on this machine can put code into {shown(str(directory))}"
        yield Said(place, what, f"chmod o-w {directory}", warning=True)
