"""The script in pages: reports once by itself, begins afresh on a stale page, waits for consent, runs by hand."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from botproxy.challenges.assets import bundle
from botproxy.model import Headers
from botproxy.scoring.jsd import PUBLIC, judge, placed
from lab.browsers import running, screen

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

BASE = "/cdn-cgi/challenge-platform/"
PATIENCE = 60


class Site:
    """Pages with the script, and what the proxy answers to it."""

    def __init__(self) -> None:
        self.seeds: dict[str, bytes] = {}
        self.reports: list[str] = []
        self.fresh = 0
        self.told = ""
        self.changed = threading.Condition()
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def answer(self, status: int, kind: str, body: str = "", **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                if path in (BASE + "scripts/jsd/main.js", BASE + "scripts/jsd/api.js"):
                    name = path.rsplit("/", 1)[1]
                    self.answer(302, "text/plain", Location=f"{BASE}h/b/scripts/jsd/0123456789ab/{name}")
                elif path.startswith(BASE + "h/b/scripts/jsd/"):
                    self.answer(200, "text/javascript", placed(bundle("jsd.js").content, PUBLIC.current(0)).decode())
                elif path == BASE + "h/b/jsd/b":
                    site.fresh += 1
                    self.answer(200, "application/json", json.dumps(site.parameters("fresh")))
                elif path == "/told":
                    with site.changed:
                        site.told = query
                        site.changed.notify_all()
                    self.answer(204, "text/plain")
                elif path in PAGES:
                    parameters = site.parameters(path[1:], **({"c": "consented"} if path == "/consent" else {}))
                    self.answer(200, "text/html", PAGES[path].replace("PARAMETERS", json.dumps(parameters)))
                else:
                    self.answer(404, "text/plain")

            def do_POST(self) -> None:
                mark, _, report = self.rfile.read(int(self.headers["content-length"])).partition(b"\n")
                headers = Headers(tuple((name.encode(), value.encode()) for name, value in self.headers.items()))
                judged = judge(report, seed=site.seeds[mark.decode()], headers=headers)
                with site.changed:
                    site.reports.append(f"{mark.decode()} {judged.reason}")
                    site.changed.notify_all()
                if mark == b"stale":
                    self.answer(409, "application/json", '{"ok":false,"again":true}')
                else:
                    self.answer(200, "application/json", '{"ok":true}')

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def parameters(self, mark: str, **more: str) -> dict[str, str]:
        """What a page is given; `mark` stands for the sealed bootstrap."""
        self.seeds[mark] = os.urandom(16)
        seed = base64.urlsafe_b64encode(self.seeds[mark]).decode().rstrip("=")
        return {"r": "0123456789abcdef", "t": "", "m": mark, "s": seed, "b": BASE, **more}

    def wait(self, ready: Callable[[], bool]) -> None:
        with self.changed:
            assert self.changed.wait_for(ready, PATIENCE), self.reports

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


_SCRIPT = f'<script async src="{BASE}scripts/jsd/main.js"></script>'
_GIVEN = "<script>window.__CF$cv$params=PARAMETERS</script>"
PAGES = {
    "/page": f"<!doctype html><title>x</title>{_GIVEN}{_SCRIPT}<p>Text",
    "/stale": f"<!doctype html><title>x</title>{_GIVEN}{_SCRIPT}<p>Text",
    "/attribute": "<!doctype html><title>x</title>"
    + _SCRIPT.replace("async", "async data-params='PARAMETERS'")
    + "<p>Text",
    "/consent": f"<!doctype html><title>x</title>{_GIVEN}{_SCRIPT}<p>Text<script>setTimeout(() => "
    "fetch('/told?asked').then(() => dispatchEvent(new Event('consented'))), 700)</script>",
    "/hidden": "<!doctype html><title>x</title><iframe style='display:none' src='/page'></iframe>"
    "<script>setTimeout(() => fetch('/told?waited'), 2500)</script>",
    "/hand": f"""<!doctype html><title>x</title><script>
    function ready() {{ cloudflare.jsd.executeOnce({{ callback: (result) => fetch("/told?" + result) }}); }}
    </script><script async src="{BASE}scripts/jsd/api.js?onload=ready"></script>""",
}


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()
    yield made
    made.close()


@pytest.fixture(params=["chromium", "firefox"])
def browse(request: Any, part: Callable[[str], str], tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Open a page in a person's browser, which stays open."""
    part("xvfb")
    program = part(request.param)
    contexts: list[Any] = []

    def visit(url: str) -> None:
        if request.param == "chromium":
            argv = [program, "--no-sandbox", "--no-first-run", "--password-store=basic"]
            argv.append(f"--user-data-dir={tmp_path}/data")
        else:
            argv = [program, "--no-remote", "--profile", str(tmp_path)]
        display = screen()
        environment = display.__enter__()
        contexts.append(display)
        browser = running([*argv, url], {**environment, "HOME": str(tmp_path)})
        browser.__enter__()
        contexts.append(browser)

    yield visit
    for context in reversed(contexts):
        context.__exit__(None, None, None)


def test_a_page_reports_once_and_passes(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/page")
    site.wait(lambda: bool(site.reports))
    assert (site.reports, site.fresh) == (["page passed"], 0)


@pytest.mark.parametrize("browse", ["chromium"], indirect=True)
def test_a_stale_page_begins_afresh(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/stale")
    site.wait(lambda: len(site.reports) == 2)
    assert (site.reports, site.fresh) == (["stale passed", "fresh passed"], 1)


@pytest.mark.parametrize("browse", ["chromium"], indirect=True)
def test_parameters_may_stand_at_the_element(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/attribute")
    site.wait(lambda: bool(site.reports))
    assert site.reports == ["attribute passed"]


@pytest.mark.parametrize("browse", ["chromium"], indirect=True)
def test_nothing_is_collected_before_consent(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/consent")
    site.wait(lambda: site.told == "asked")
    assert site.reports == []
    site.wait(lambda: bool(site.reports))
    assert site.reports == ["consent passed"]


@pytest.mark.parametrize("browse", ["chromium"], indirect=True)
def test_a_site_runs_it_by_hand(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/hand")
    site.wait(lambda: bool(site.told))
    assert (site.told, site.reports) == ("success", ["fresh passed"])


@pytest.mark.parametrize("browse", ["chromium", "firefox"], indirect=True)
def test_a_page_in_a_frame_that_nobody_sees_says_nothing(site: Site, browse: Callable[[str], None]) -> None:
    browse(site.url + "/hidden")
    site.wait(lambda: site.told == "waited")
    assert site.reports == []
