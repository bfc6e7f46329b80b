"""The pages of the dashboard and their files: who gets them, for how long, and under which policy."""

from __future__ import annotations

import gzip
import re
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from botproxy.admin import assets
from botproxy.admin.analytics import Analytics
from botproxy.admin.application import application
from botproxy.admin.assets import BUILT, NotBuiltError, asset
from botproxy.admin.dashboard import PAGES

TOKEN = "t" * 32


class Control:
    """A supervisor without a store."""

    def analytics(self) -> Analytics:
        return Analytics(None, ("shop",))


@pytest.fixture
async def local(aiohttp_client: Any) -> TestClient[Any, Any]:
    control: Any = Control()
    client: TestClient[Any, Any] = await aiohttp_client(TestServer(application(control, None)))
    return client


@pytest.fixture
async def remote(aiohttp_client: Any) -> TestClient[Any, Any]:
    control: Any = Control()
    client: TestClient[Any, Any] = await aiohttp_client(TestServer(application(control, TOKEN)))
    return client


def policy(response: Any) -> dict[str, str]:
    parts = response.headers["Content-Security-Policy"].split(";")
    return dict(part.strip().partition(" ")[::2] for part in parts)


@pytest.mark.parametrize("path", [*PAGES, "/graphiql"])
async def test_a_page_loads_its_own_files_alone(local: TestClient[Any, Any], path: str) -> None:
    page = await local.get(path)
    text = await page.text()
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert policy(page)["default-src"] == "'none'"
    assert policy(page)["script-src"] == "'self'"
    assert policy(page)["connect-src"] == "'self'"
    assert policy(page)["frame-ancestors"] == "'none'"
    assert "<style" not in text
    assert not re.search(r"(src|href)=\"(https?:)?//", text)
    for name in re.findall(r'"/assets/([^"]+)"', text):
        assert (await local.get(f"/assets/{name}")).status == 200


async def test_only_the_editor_may_write_styles(local: TestClient[Any, Any]) -> None:
    assert policy(await local.get("/"))["style-src"] == "'self'"
    assert policy(await local.get("/graphiql"))["style-src"] == "'self' 'unsafe-inline'"
    assert policy(await local.get("/graphiql"))["script-src"] == "'self'"


@pytest.mark.parametrize("name", BUILT)
async def test_a_file_is_kept_for_ever_under_the_hash_of_its_content(local: TestClient[Any, Any], name: str) -> None:
    found = asset(name)
    answer = await local.get(f"/assets/{found.name}")
    assert await answer.read() == found.content
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == found.kind
    assert answer.headers["Vary"] == "Accept-Encoding"
    async with local.get(f"/assets/{found.name}", headers={"Accept-Encoding": "identity"}) as plain:
        assert "Content-Encoding" not in plain.headers
        assert await plain.read() == gzip.decompress(found.packed)


@pytest.mark.parametrize(
    "path",
    [
        "/assets/dashboard.js",
        "/assets/dashboard.000000000000.js",
        "/assets/__init__.py",
        "/assets/../guard.py",
        "/assets/..%2fguard.py",
        "/assets/%2e%2e/%2e%2e/errors.py",
        "/assets/built/dashboard.js",
        "/assets/",
        "/assets/dashboard.js%00",
        "/nowhere",
    ],
)
async def test_nothing_else_is_a_file(local: TestClient[Any, Any], path: str) -> None:
    from yarl import URL

    answer = await local.get(URL(path, encoded=True))
    assert answer.status == 404
    assert b"import" not in await answer.read()


async def test_the_empty_pages_need_no_token_and_everything_else_does(remote: TestClient[Any, Any]) -> None:
    for path in (*PAGES, "/graphiql", f"/assets/{asset('dashboard.js').name}"):
        assert (await remote.get(path)).status == 200
        assert (await remote.post(path)).status == 401
    for path in ("/api/mode", "/api/analytics/status", "/metrics", "/client/v4/zones", "/assetsx", "/securityx"):
        assert (await remote.get(path)).status == 401
    assert (await remote.get("/api/analytics/status", headers={"Authorization": f"Bearer {TOKEN}"})).status == 200


async def test_a_page_that_rebinds_its_name_gets_nothing(local: TestClient[Any, Any]) -> None:
    for path in ("/", f"/assets/{asset('dashboard.js').name}", "/api/mode"):
        assert (await local.get(path, headers={"Host": "attacker.example"})).status == 403


async def test_a_dashboard_that_was_not_built_is_said_and_the_rest_goes_on(
    local: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> assets.Asset:
        raise NotBuiltError(f"{name} was not built: `make setup` builds it")

    monkeypatch.setattr("botproxy.admin.dashboard.asset", missing)
    page = await local.get("/")
    assert (page.status, "make setup" in await page.text()) == (503, True)
    assert (await local.get("/api/analytics/status")).status == 200


def test_the_licences_of_what_is_bundled_travel_with_it() -> None:
    for bundle, packages in (("dashboard", ("preact", "uplot")), ("graphiql", ("react", "graphiql", "codemirror"))):
        words = asset(f"{bundle}.licences.txt").content.decode()
        for name in packages:
            assert re.search(rf"^{name} \d", words, re.MULTILINE)
        assert "MIT" in words
