"""Record programs that are welcome on most sites: `python -m lab.welcome tests/data/automation`.

Every client in `CLIENTS` that is installed is run through the real proxy, over https and over http, against an origin
that speaks its protocol. `recorded.jsonl` gets one line a request, as the proxy saw it; `written.jsonl` beside it is
written by hand from what the makers of other programs publish. A client that is missing keeps its earlier lines.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

from botproxy.model import Event, Outcome
from botproxy.pipeline import Decision
from lab.recorder import OTHER, SITE
from lab.services import Services
from lab.tap import Tap
from lab.welcome_clients import CLIENTS, Welcome

_PORT = re.compile(r"\b(site\.test|other\.test|localhost|127\.0\.0\.1)(:|%3A)\d+")
_RANDOM = re.compile(r"[0-9a-f]{32,}")


class Line(NamedTuple):
    """One recorded request."""

    client: str
    kind: str
    version: str
    method: str
    scheme: str
    http: str
    target: str
    headers: list[tuple[str, str]]
    ja4: str
    way: str = "exempt"  # by the preset's rules, however low the score is


def portless(text: str) -> str:
    """Text without the ports of this run, which no client of a real site would send."""
    return _PORT.sub(r"\1", text)


class Recording:
    """Collects what the tap sees while one client is run after the other."""

    def __init__(self) -> None:
        self.client = CLIENTS[0]
        self.version = ""
        self.lines: list[Line] = []

    def seen(self, decision: Decision, outcome: Outcome, event: Event) -> None:
        """Keep one request."""
        request, tls = decision.facts.request, decision.facts.client.tls
        headers = [(name.decode("latin-1"), portless(value.decode("latin-1"))) for name, value in request.headers.items]
        if any(name.lower() == "authorization" for name, _ in headers):
            headers = [(name, "Basic YTpi" if name.lower() == "authorization" else value) for name, value in headers]
        self.lines.append(
            Line(
                self.client.name, self.client.kind, self.version, request.method.decode("latin-1"),
                "https" if request.secure else "http", request.version, request.target.decode("latin-1"),
                headers, "" if tls is None else tls.ja4,
            )
        )  # fmt: skip


def image(folder: Path) -> None:
    """An OCI image layout with one empty layer, for a registry client to push."""
    import hashlib

    blobs = folder / "image" / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(data: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(data).hexdigest()
        (blobs / digest).write_bytes(data)
        return "sha256:" + digest, len(data)

    layer, config = (
        put(b"\0" * 1024),
        put(b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'),
    )
    oci = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
        "config": {"mediaType": oci + "config.v1+json", "digest": config[0], "size": config[1]},
        "layers": [{"mediaType": oci + "layer.v1.tar", "digest": layer[0], "size": layer[1]}],
    }  # fmt: skip
    digest, size = put(json.dumps(manifest).encode())
    index = {
        "schemaVersion": 2,
        "manifests": [
            {"mediaType": oci + "manifest.v1+json", "digest": digest, "size": size,
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}
        ],
    }  # fmt: skip
    (folder / "image" / "index.json").write_text(json.dumps(index))
    (folder / "image" / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def run(client: Welcome, recording: Recording, tap: Tap, python: str) -> None:
    """Run one client over each of its schemes."""
    for scheme in client.schemes:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            out = Path(folder)
            (out / "words").write_text("words\n")
            image(out)
            port = tap.ports[scheme]
            places = {
                "base": f"{scheme}://{SITE}:{port}", "host": SITE, "port": port, "out": out, "python": python,
                "bin": Path(python).parent, "authority": tap.authority_file, "plain": scheme == "http",
                "secure": "Yes" if scheme == "https" else "No", "ssl_flag": "-S" if scheme == "https" else "",
            }  # fmt: skip
            environment = {
                **os.environ, "GIT_SSL_CAINFO": str(tap.authority_file), "SSL_CERT_FILE": str(tap.authority_file),
                "REQUESTS_CA_BUNDLE": str(tap.authority_file), "GIT_TERMINAL_PROMPT": "0", "HOME": folder,
                "CARGO_HOME": folder, "GOPATH": folder, "PYTHONWARNINGS": "ignore",
                "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(Path.home() / ".rustup")),
                "PATH": os.environ["PATH"] + ":" + str(Path.home() / ".cargo" / "bin"),
            }  # fmt: skip
            for name in (
                "http_proxy",
                "https_proxy",
                "HTTP_PROXY",
                "HTTPS_PROXY",
                "PIP_INDEX_URL",
                "PIP_EXTRA_INDEX_URL",
            ):
                environment.pop(name, None)
            environment["PIP_CONFIG_FILE"] = os.devnull
            said = subprocess.run(
                client.version.format(**places), shell=True, check=False, capture_output=True, text=True, timeout=40
            )
            recording.client = client
            found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
            recording.version = found[0] if found else ""
            for line in client.lines:
                argv = shlex.split(line.format(**places))
                if shutil.which(argv[0]) is None:
                    print(f"  {client.name}: {argv[0]} is not installed")
                    return
                try:
                    done = subprocess.run(
                        argv, env=environment, cwd=out, check=False, timeout=40,
                        stdin=subprocess.DEVNULL, capture_output=True, text=True,
                    )  # fmt: skip
                except subprocess.TimeoutExpired:
                    print(f"  {client.name}: took too long")
                    continue
                if done.returncode and os.environ.get("LAB_VERBOSE"):
                    print(f"  {client.name}: {done.returncode}: {(done.stderr or done.stdout)[-300:]}")


def write(file: Path, lines: list[Line]) -> None:
    """Write what is new of each client, and keep what clients that did not run left earlier."""
    kept: dict[tuple[object, ...], Line] = {}
    for one in lines:
        shape = (
            one.client, one.scheme, one.http, one.method, _RANDOM.sub("#", one.target).partition("?")[0],
            tuple((n, _RANDOM.sub("#", value)[:80]) for n, value in one.headers if n.lower() != "content-length"),
        )  # fmt: skip
        kept.setdefault(shape, one)
    ran = {one.client for one in kept.values()}
    text = [json.dumps(one._asdict(), separators=(",", ":")) for one in kept.values()]
    if file.exists():
        text += [line for line in file.read_text().splitlines() if json.loads(line)["client"] not in ran]
    text.sort(key=lambda line: str(json.loads(line)["client"]))
    file.write_text("".join(line + "\n" for line in text))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where recorded.jsonl is")
    parser.add_argument("--only", help="names of clients, separated by commas")
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the Python clients")
    asked = parser.parse_args()
    only = set(asked.only.split(",")) if asked.only else None
    if SITE not in Path("/etc/hosts").read_text():
        raise SystemExit(f"add to /etc/hosts: 127.0.0.1 {SITE} {OTHER}")
    recording = Recording()
    with tempfile.TemporaryDirectory() as folder:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, daemon=True).start()
        services = Services(Path(folder))

        async def serve() -> int:
            runner = web.AppRunner(services.application(), access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port: int = runner.addresses[0][1]
            return port

        port = asyncio.run_coroutine_threadsafe(serve(), loop).result(10)
        with Tap(f"http://127.0.0.1:{port}", recording.seen) as tap:
            for client in CLIENTS:
                if only is None or client.name in only:
                    before = len(recording.lines)
                    run(client, recording, tap, asked.python)
                    print(f"  {client.name} {recording.version}: {len(recording.lines) - before}")
    asked.folder.mkdir(parents=True, exist_ok=True)
    write(asked.folder / "recorded.jsonl", recording.lines)


if __name__ == "__main__":
    main()
