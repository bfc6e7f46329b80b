"""Which browsers JavaScript detections find, and by which signs; BotD runs beside ours in the same pages.

    python -m lab.detections --tools FOLDER [--runs 20] [--only NAME...]

FOLDER gets the tools that drive browsers, from the registries, when it is not there. People's browsers run on a virtual
screen of their own, headed, as they come; tools drive Debian's Chromium as their documentation says.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from botproxy.model import Headers
from botproxy.scoring.jsd import PUBLIC, Judgement, judge, placed
from lab.browsers import FIREFOX_PREFERENCES, running, screen

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PYTHON_TOOLS = (
    "nodriver", "patchright", "playwright", "playwright-stealth", "rebrowser-playwright", "selenium", "setuptools",
    "undetected-chromedriver",
)  # fmt: skip
PATIENCE = 60.0

_PAGE = """<!doctype html><html lang="en"><head><title>A page</title></head><body><h1>A page</h1>
<script src="/script.js"></script><script>
(async () => {
  const report = await collect("SEED");
  let botd = null;
  try { botd = await (await (await import("/botd.js")).load({ monitoring: false })).detect(); } catch (absent) {}
  fetch("/report", { method: "POST", body: JSON.stringify({ report, botd }) });
})();
</script></body></html>"""


class Visit(NamedTuple):
    """One browser's report, judged."""

    judgement: Judgement
    report: str
    seed: bytes
    botd: bool | None  # whether BotD calls it a bot; None where it did not run


class Place(Protocol):
    """What a client visits."""

    url: str
    environment: dict[str, str]  # for the client; the screen that it is on, once it is

    def wait(self, seconds: float = PATIENCE, still: Callable[[], bool] = lambda: True) -> Visit | None:
        """Until the visit is over."""


class Site:
    """One page with the script, which judges what is reported. Use as a context manager."""

    def __init__(self, script: Path, botd: Path | None = None) -> None:
        self._files = {"/script.js": script}
        if botd is not None and botd.exists():
            self._files["/botd.js"] = botd
        self.environment: dict[str, str] = {}
        self._seed = b""
        self._visit: Visit | None = None
        self._reported = threading.Event()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                if path in site._files:
                    self._send(site._files[path].read_bytes(), "text/javascript")
                elif path == "/":
                    site._seed = os.urandom(16)
                    seed = base64.urlsafe_b64encode(site._seed).rstrip(b"=")
                    self._send(_PAGE.encode().replace(b"SEED", seed), "text/html")
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
                self._send(b"", "text/plain")
                site._judge(sent, [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()])

            def _send(self, body: bytes, kind: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _judge(self, sent: dict[str, Any], headers: list[tuple[bytes, bytes]]) -> None:
        judged = judge(sent["report"].encode(), seed=self._seed, headers=Headers(tuple(headers)))
        botd = None if sent["botd"] is None else bool(sent["botd"]["bot"])
        self._visit = Visit(judged, sent["report"], self._seed, botd)
        self._reported.set()

    def wait(self, seconds: float = PATIENCE, still: Callable[[], bool] = lambda: True) -> Visit | None:
        """The next visit, or None when nothing is reported in time, or while `still()`."""
        end = time.monotonic() + seconds
        while not self._reported.wait(0.2) and still() and time.monotonic() < end:
            pass
        self._reported.wait(0.5)
        self._reported.clear()
        visit, self._visit = self._visit, None
        return visit


def bundle(folder: Path) -> Path:
    """The laboratory's own build of the script."""
    out = folder / "script.js"
    build = (
        "require('esbuild').buildSync({entryPoints:['lab/main.ts'],outfile:process.argv[1],bundle:true,minify:true,"
        "format:'iife',target:['es2019']})"
    )
    subprocess.run(["node", "-e", build, str(out)], cwd=ROOT / "web", check=True)
    out.write_bytes(placed(out.read_bytes(), PUBLIC.current(0)))
    return out


@contextmanager
def _home(profile: Path) -> Iterator[dict[str, str]]:
    with screen() as environment:
        yield {**environment, "HOME": str(profile), "WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS": "1"}


def _visit(site: Place, argv: list[str], profile: Path, more: dict[str, str] | None = None) -> Visit | None:
    with _home(profile) as environment, running(argv, {**environment, **site.environment, **(more or {})}) as process:
        site.environment["DISPLAY"] = environment["DISPLAY"]
        return site.wait(still=lambda: process.poll() is None)


Client = Callable[[Place, Path], Visit | None]


def chromium(*more: str) -> Client:
    def visit(site: Place, profile: Path) -> Visit | None:
        options = ("--no-sandbox", "--no-first-run", "--no-default-browser-check", "--password-store=basic")
        return _visit(site, ["chromium", *options, f"--user-data-dir={profile}/data", *more, site.url], profile)

    return visit


def firefox(*more: str, sheet: str = "", **preferences: Any) -> Client:
    """`sheet` is a style sheet of the user's, which beats every rule of a page, as those of blockers do."""

    def visit(site: Place, profile: Path) -> Visit | None:
        (profile / "chrome").mkdir()
        (profile / "chrome" / "userContent.css").write_text(sheet)
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in {**FIREFOX_PREFERENCES, **preferences}.items()
        ]
        (profile / "user.js").write_text("\n".join(lines))
        return _visit(site, ["firefox-esr", "--no-remote", "--profile", str(profile), *more, site.url], profile)

    return visit


def webkit(*program: str) -> Client:
    def visit(site: Place, profile: Path) -> Visit | None:
        return _visit(site, ["dbus-run-session", "--", *program, site.url], profile)

    return visit


def mini_browser() -> str:
    """Debian keeps it off the path, beside the library."""
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.1/MiniBrowser"))
    return str(found[0]) if found else "MiniBrowser"


def tool(name: str, tools: Path) -> Client:
    def visit(site: Place, profile: Path) -> Visit | None:
        script = HERE / "clients" / ("automation.cjs" if "puppeteer" in name else "automation.py")
        program = "node" if script.suffix == ".cjs" else str(tools / "bin" / "python")
        argv = [program, str(script), name, site.url, str(profile / "data")]
        try:
            return _visit(site, argv, profile, {"NODE_PATH": str(tools / "node_modules")})
        finally:
            _end_all_of(profile)

    return visit


def _end_all_of(profile: Path) -> None:
    """Tools put browsers into sessions of their own; those that were given this profile are ours to end."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if str(profile).encode() in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                os.kill(int(folder.name), signal.SIGKILL)
        except OSError:
            continue


def jsdom(tools: Path) -> Client:
    def visit(site: Place, profile: Path) -> Visit | None:
        argv = ["node", str(HERE / "clients" / "jsdom.cjs"), site.url]
        return _visit(site, argv, profile, {"NODE_PATH": str(tools / "node_modules")})

    return visit


def copied(site: Place, profile: Path) -> Visit | None:
    """A report of a headed Chromium, posted again by node for another page."""
    (profile / "first").mkdir()
    real = chromium(*GRAPHICS)(site, profile / "first")
    if real is None:
        return None
    seed = base64.urlsafe_b64encode(real.seed).decode().rstrip("=")
    subprocess.run(["node", str(HERE / "clients" / "copied.cjs"), site.url, real.report, seed], check=True, timeout=60)
    return site.wait(10)


def forged(site: Place, profile: Path) -> Visit | None:
    """Every answer computed by a program without a browser."""
    subprocess.run([sys.executable, "-m", "lab.clients.forged", site.url], cwd=ROOT, check=True, timeout=60)
    return site.wait(10)


GRAPHICS = ("--use-angle=swiftshader", "--enable-unsafe-swiftshader")

PEOPLE: dict[str, Client] = {
    "chromium": chromium(*GRAPHICS),
    "chromium-incognito": chromium(*GRAPHICS, "--incognito"),
    "chromium-without-webgl": chromium("--disable-gpu", "--disable-3d-apis"),
    "chromium-developer-tools": chromium(*GRAPHICS, "--auto-open-devtools-for-tabs"),
    "chromium-kiosk": chromium(*GRAPHICS, "--kiosk"),
    "chromium-scaled": chromium(*GRAPHICS, "--force-device-scale-factor=1.37"),
    "chromium-screen-reader": chromium(*GRAPHICS, "--force-renderer-accessibility"),
    "firefox": firefox(),
    "firefox-private": firefox("-private-window"),
    "firefox-hides-frames": firefox(
        sheet="iframe { display: none !important }", **{"toolkit.legacyUserProfileCustomizations.stylesheets": True}
    ),
    "firefox-scaled": firefox(**{"layout.css.devPixelsPerPx": "0.67", "font.minimum-size.x-western": 24}),
    "firefox-resist-fingerprinting": firefox(**{"privacy.resistFingerprinting": True}),
    "minibrowser": webkit(mini_browser()),
    "epiphany": webkit("epiphany"),
}
BARE: dict[str, Client] = {
    "chromium-headless": chromium("--headless=new", "--remote-debugging-port=0"),
    "firefox-headless": firefox("--headless"),
}
TOOLS = (
    "selenium", "selenium-headless", "selenium-disguised", "playwright", "playwright-headed", "playwright-stealth",
    "playwright-stealth-headed", "puppeteer", "puppeteer-stealth", "puppeteer-stealth-headed", "rebrowser-puppeteer",
    "rebrowser-playwright", "undetected-chromedriver", "undetected-chromedriver-headless", "patchright",
    "patchright-headed", "patchright-recommended", "nodriver",
)  # fmt: skip


def clients(tools: Path) -> dict[str, Client]:
    """All, people first."""
    return {
        **PEOPLE, **BARE, **{name: tool(name, tools) for name in TOOLS},
        "jsdom": jsdom(tools), "node, copied report": copied, "python, forged report": forged,
    }  # fmt: skip


def install(tools: Path) -> None:
    """Bring the tools from the registries."""
    if (tools / "installed").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    subprocess.run([str(tools / "bin" / "pip"), "install", "--quiet", *PYTHON_TOOLS], check=True)
    shutil.copy(HERE / "clients" / "package.json", tools)
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=tools, check=True)
    (tools / "installed").touch()


def once(client: Client, script: Path, botd: Path | None) -> Visit | None:
    """One run with a profile of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, Site(script, botd) as site:
        return client(site, Path(folder))


def row(name: str, visits: list[Visit | None]) -> str:
    """A line of the table: found by ours, by which signs, and by BotD."""
    reported = [visit for visit in visits if visit is not None]
    failed = sum(visit.judgement.passed is False for visit in reported)
    passed = sum(visit.judgement.passed is True for visit in reported)
    counts = Counter(tag for visit in reported for tag in {one.tag for one in visit.judgement.detections})
    signs = ", ".join(tag if number == len(reported) else f"{tag} ({number})" for tag, number in counts.most_common())
    theirs = [visit.botd for visit in reported if visit.botd is not None]
    botd = f"{sum(theirs)} of {len(theirs)}" if theirs else "-"
    return f"| {name} | {passed} | {failed} | {len(visits) - passed - failed} | {signs or '-'} | {botd} |"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tools", type=Path, required=True)
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--only", nargs="*", default=[])
    given = arguments.parse_args()
    install(given.tools)
    botd = given.tools / "node_modules" / "@fingerprintjs" / "botd" / "dist" / "botd.esm.js"
    print("| client | passed | failed | missing | signs | BotD |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        script = bundle(Path(folder))
        for name, client in clients(given.tools.resolve()).items():
            if not given.only or name in given.only:
                visits = [once(client, script, botd) for _ in range(given.runs)]
                print(row(name, visits), flush=True)


if __name__ == "__main__":
    main()
