"""`make run`: the proxy with its built-in defaults, in front of the demo site or of yours; Ctrl-C ends both.

In front of the demo site it enforces; in front of `--origin` it observes, so that nobody's visitors are turned away by
trying it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BOTPROXY = Path(sys.executable).parent / "botproxy"
START_SECONDS = 60.0
DRAIN_SECONDS = 45.0  # longer than the proxy's own drain_timeout
_PR_SET_PDEATHSIG = 1


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--origin", help="URL of the site to stand in front of; left out, the demo site")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=8080)
    arguments.add_argument("--admin-port", type=int, default=9090)
    arguments.add_argument("--data", default="data", help="where events and the secret are written")
    arguments.add_argument("--no-visitors", action="store_true", help="nobody but you visits the demo site")
    given = arguments.parse_args()
    listen, admin = f"{given.host}:{given.port}", f"127.0.0.1:{given.admin_port}"
    for name, port, host in (("PORT", given.port, given.host), ("ADMIN_PORT", given.admin_port, "127.0.0.1")):
        refuse_taken_port(name, host, port)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ask_for_end)

    started: list[subprocess.Popen[bytes]] = []
    try:
        origin = given.origin
        if origin is None:
            port = choose_port()
            origin = f"http://127.0.0.1:{port}"
            started.append(start("demo", "--listen", f"127.0.0.1:{port}"))
            wait_for(started[-1], lambda: accepts("127.0.0.1", port))
        mode = "observe" if given.origin else "enforce"
        places = ["--listen", listen, "--admin", admin, "--data", given.data]
        started.append(start("serve", "--origin", origin, "--mode", mode, *places))
        wait_for(started[-1], lambda: ask(admin, "/healthz") is not None)
        visited = given.origin is None and not given.no_visitors
        if visited:
            started.append(start_visitors(given.host, given.port))
        explain(listen, admin, None if given.origin is None else origin, given.data, visited)
        while all(process.poll() is None for process in started):
            time.sleep(0.25)
        return 1  # a child ended by itself and has said why
    except KeyboardInterrupt:
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for process in reversed(started):  # the proxy first: it drains while its origin still answers
            end(process)


def refuse_taken_port(setting: str, host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            sys.exit(
                f"make run cannot listen on {host}:{port}: {error.strerror}.\n"
                f"Stop what listens there, or choose another port: make run {setting}={port + 1}"
            )


def choose_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*words: str) -> subprocess.Popen[bytes]:
    """A command of the product."""
    return launch([str(BOTPROXY), *words])


def start_visitors(host: str, port: int) -> subprocess.Popen[bytes]:
    """People and programs of this machine who visit the demo site, so that analytics have something to show."""
    reached = "127.0.0.1" if host in ("0.0.0.0", "") else host
    return launch([sys.executable, "-m", "botproxy.demo.visitors", f"{reached}:{port}"])


def launch(command: list[str]) -> subprocess.Popen[bytes]:
    """In a session of its own: Ctrl-C reaches only us, and the order of ending is ours."""
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent,  # noqa: PLW1509 - no threads here
    )


def end_with_parent() -> None:
    """Where the system can (Linux), a killed `make run` leaves nothing behind."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), 0.5).close()
    except OSError:
        return False
    return True


def ask(admin: str, path: str) -> dict[str, object] | None:
    try:
        with urllib.request.urlopen(f"http://{admin}{path}", timeout=2) as response:
            said = json.load(response)
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return said if isinstance(said, dict) else {}


def wait_for(process: subprocess.Popen[bytes], ready: object) -> None:
    assert callable(ready)
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        code = process.poll()
        if code is not None:
            sys.exit(code or 1)
        if time.monotonic() > deadline:
            sys.exit(f"it did not start within {START_SECONDS:.0f} seconds")
        time.sleep(0.05)


def explain(listen: str, admin: str, origin: str | None, data: str, visited: bool) -> None:
    """Say where to look; `origin` None is the demo site, which demo visitors walk through if `visited`."""
    site = f"http://{listen}"
    mode = (ask(admin, "/api/mode") or {}).get("mode", "unknown")
    does = "scores every request and acts on it" if mode == "enforce" else "scores every request and lets it through"
    option = "" if admin.endswith(":9090") else f" --admin {admin}"
    other = "observe" if mode == "enforce" else "enforce"
    stands = origin or "a demo site"
    lines = [
        "",
        f"botproxy stands in front of {stands}: it {does} (mode: {mode}).",
        "",
        f"  the site     {site}/",
        f"  dashboard    http://{admin}/   metrics: http://{admin}/metrics",
        f"  events       {data}/events.jsonl",
        *(
            ["  visitors     some walk about in it, people and programs; without them: make run VISITORS=no"]
            if visited
            else []
        ),
        "",
        "Try",
        f"  a browser    {site}/",
        f"  curl -i {site}/" + ("   is challenged: scored 1, no browser" if mode == "enforce" else ""),
        f"  tail -f {data}/events.jsonl",
        f"  .venv/bin/botproxy mode {other}{option}   while it runs",
        "",
        "Ctrl-C ends it.",
        "",
    ]
    print("\n".join(lines), flush=True)


def ask_for_end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
