"""Record what clients send: `python -m lab.record libraries scanners automation browsers`.

Runs every client of the named groups against the recorder, over https and over plain http, and writes one JSON line
a request to `tests/data/clients/GROUP.jsonl`. Needs `site.test` and `other.test` to be 127.0.0.1 in the hosts file
for clients that cannot be told otherwise (`--hosts` adds them). What is not installed is named and left out; its
earlier records stay.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from lab.commands import IMPERSONATORS, LIBRARIES, SCANNERS
from lab.programs import HERE, run_program
from lab.recorder import OTHER, SITE, Recorded, Recorder

DATA = HERE.parent / "tests" / "data" / "clients"
PER_CLIENT = 400
"""Distinct requests kept of one client; scanners would fill a disk."""


def _shape(one: Recorded) -> tuple[object, ...]:
    """What makes two records of a client the same: everything but random values."""
    noise = re.compile(r"\d+|boundary=\S+|[0-9a-f]{8,}")
    headers = tuple(
        (name, noise.sub("#", value)[:200]) for name, value in one.headers if name.lower() != "sec-websocket-key"
    )
    return one.client, one.scheme, one.method, noise.sub("#", one.target)[:60], one.version, headers


def write(path: Path, records: Iterable[Recorded]) -> None:
    """Write records as JSON lines, replacing those of the clients that were run and keeping those of all others."""
    new: list[Recorded] = []
    seen: set[tuple[object, ...]] = set()
    count: dict[str, int] = {}
    for one in records:
        shape = _shape(one)
        if shape in seen or count.get(one.client, 0) >= PER_CLIENT:
            continue
        seen.add(shape)
        count[one.client] = count.get(one.client, 0) + 1
        new.append(one)
    lines: list[str] = []
    if path.exists():
        lines = [line for line in path.read_text().splitlines() if json.loads(line)["client"] not in count]
    lines += [json.dumps(vars(one), ensure_ascii=True, separators=(",", ":")) for one in new]
    lines.sort(key=lambda line: json.loads(line)["client"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in lines))
    for client, number in sorted(count.items()):
        print(f"  {client}: {number}")


def add_hosts() -> None:
    """Make the two site names loopback addresses on this machine."""
    hosts = Path("/etc/hosts")
    if SITE not in hosts.read_text():
        with hosts.open("a") as file:
            file.write(f"127.0.0.1 {SITE} {OTHER}\n")


def main() -> None:
    from lab.browsers import AUTOMATION, BROWSERS

    parser = argparse.ArgumentParser(description=__doc__)
    groups = ("libraries", "scanners", "impersonators", "automation", "browsers")
    parser.add_argument("groups", nargs="*", default=groups, metavar="GROUP", help=", ".join(groups))
    parser.add_argument("--only", help="names of clients, separated by commas")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the Python clients")
    parser.add_argument("--hosts", action="store_true", help="add the site names to the hosts file")
    asked = parser.parse_args()
    if asked.hosts:
        add_hosts()
    only = set(asked.only.split(",")) if asked.only else None
    programs = {"libraries": LIBRARIES, "scanners": SCANNERS, "impersonators": IMPERSONATORS}
    drivers = {"automation": AUTOMATION, "browsers": BROWSERS}
    for group in asked.groups:
        print(group)
        with Recorder() as recorder, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as out:
            runs: list[tuple[str, Callable[[], None]]] = [
                (program.name, lambda program=program: run_program(recorder, program, asked.python, Path(out)))
                for program in programs.get(group, ())
            ] + [
                (name, lambda drive=drive: drive(recorder, Path(out))) for name, drive in drivers.get(group, {}).items()
            ]
            for name, run in runs:
                if only is not None and name not in only:
                    continue
                recorder.client = name
                recorder.seen.clear()
                try:
                    run()
                except Exception as problem:  # one client that fails must not spoil the others' recording
                    print(f"  {name}: {problem!r}")
                write(DATA / f"{group}.jsonl", recorder.seen)


if __name__ == "__main__":
    main()
