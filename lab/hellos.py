"""Records the ClientHellos of clients of this machine, as vectors for tests and as known fingerprints.

Run as `python -m lab.hellos tests/data/client_hellos.jsonl [CLIENT…]`. Each client is asked to fetch
https://localhost:PORT/ several times; what listens there keeps the first bytes and hangs up. Of clients that are
missing, or not asked for, earlier records stay.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

from botproxy.tls import HelloError, bytes_wanted, fingerprints, parse_client_hello

SCRIPTS = Path(__file__).with_name("clients")
WANTED = 3
SECONDS = 45.0

PYTHON = """
import ssl, sys, urllib.request
with __import__("contextlib").suppress(OSError):
    urllib.request.urlopen(sys.argv[1], timeout=5, context=ssl._create_unverified_context())
"""
AIOHTTP = """
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        with __import__("contextlib").suppress(aiohttp.ClientError):
            await session.get(sys.argv[1], ssl=False)
asyncio.run(main())
"""
PACKAGE = """
import sys
with __import__("contextlib").suppress(Exception):
    __import__(sys.argv[2]).get(sys.argv[1], verify=False, timeout=5)
"""
NODE = "process.env.NODE_TLS_REJECT_UNAUTHORIZED=0;fetch(process.argv[1]).catch(()=>{})"


def commands(url: str, folder: Path) -> dict[str, list[str]]:
    """Client to the command that makes it connect once."""
    port = url.rsplit(":", 1)[1].strip("/")
    profile = folder / "firefox"
    return {
        "curl": ["curl", "-sk", "--max-time", "5", url],
        "curl-http1": ["curl", "-sk", "--http1.1", "--max-time", "5", url],
        "curl-tls12": ["curl", "-sk", "--tls-max", "1.2", "--max-time", "5", url],
        "wget": ["wget", "-q", "-t1", "--no-check-certificate", "-O", os.devnull, url],
        "openssl": ["openssl", "s_client", "-connect", f"localhost:{port}", "-servername", "localhost"],
        "openssl-noname": ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-noservername"],
        "python-urllib": [sys.executable, "-c", PYTHON, url],
        "python-aiohttp": [sys.executable, "-c", AIOHTTP, url],
        "python-requests": [sys.executable, "-c", PACKAGE, url, "requests"],
        "python-httpx": [sys.executable, "-c", PACKAGE, url, "httpx"],
        "node-fetch": ["node", "-e", NODE, url],
        "go": ["go", "run", str(SCRIPTS / "client.go"), url],
        "java": ["java", str(SCRIPTS / "Client.java"), url],
        "php": ["php", str(SCRIPTS / "client.php"), url],
        "perl": ["perl", str(SCRIPTS / "client.pl"), url],
        "ruby": ["ruby", str(SCRIPTS / "client.rb"), url],
        "chromium": [
            *("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors"),
            *("--no-first-run", f"--user-data-dir={folder / 'chromium'}", "--dump-dom", url),
        ],
        "firefox": ["firefox-esr", "--headless", "--no-remote", "--profile", str(profile), url],
    }


class Listener:
    """Keeps whole ClientHellos; closes every connection after its first one."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://localhost:{self._socket.getsockname()[1]}/"
        self.kept: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.settimeout(5)
            with connection, suppress(OSError, HelloError):
                data = b""
                while wanted := bytes_wanted(data):
                    piece = connection.recv(wanted - len(data))
                    if not piece:
                        break
                    data += piece
                else:
                    self.kept.append(data)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def version(program: str) -> str:
    """What the program says of its version, in one line."""
    flag = "version" if program.endswith("openssl") else "--version"
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run([program, flag], capture_output=True, text=True, timeout=20, check=False).stdout
        return said.strip().split("\n")[0][:80]
    return ""


def record(client: str, folder: Path) -> dict[str, object] | None:
    """Several hellos of one client; None when it is missing or says nothing."""
    listener = Listener()
    command = commands(listener.url, folder)[client]
    if shutil.which(command[0]) is None:
        listener.close()
        return None
    (folder / "firefox").mkdir(exist_ok=True)
    end = time.monotonic() + SECONDS
    while len(listener.kept) < WANTED and time.monotonic() < end:
        with (
            tempfile.TemporaryFile() as nothing,
            subprocess.Popen(
                command, stdin=nothing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            ) as process,
        ):
            began = len(listener.kept)
            while process.poll() is None and len(listener.kept) - began < WANTED and time.monotonic() < end:
                time.sleep(0.05)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
        if len(listener.kept) == began:
            break
    listener.close()
    made = [(each, fingerprints(parse_client_hello(each))) for each in listener.kept]
    if not made:
        return None
    common = max({each.ja4 for _, each in made}, key=lambda ja4: sum(each.ja4 == ja4 for _, each in made))
    same = [(records, each) for records, each in made if each.ja4 == common][:WANTED]
    return {
        "client": client,
        "version": version(command[0]),
        "ja4": common,
        "ja3": [each.ja3 for _, each in same],
        "records": [records.hex() for records, _ in same],
    }


def main() -> None:
    target = Path(sys.argv[1])
    kept = [json.loads(line) for line in target.read_text().splitlines()] if target.exists() else []
    known = {each["client"]: each for each in kept}
    with tempfile.TemporaryDirectory() as folder:
        for client in commands("https://localhost:1/", Path(folder)):
            if sys.argv[2:] and client not in sys.argv[2:]:
                continue
            found = record(client, Path(folder))
            print(client, "is missing, or said nothing" if found is None else f"{found['ja4']}  {found['version']}")
            if found is not None:
                known[client] = found
    target.write_text("".join(f"{json.dumps(each)}\n" for each in known.values()))


if __name__ == "__main__":
    main()
