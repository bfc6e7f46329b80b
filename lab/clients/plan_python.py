"""Runs a plan with one HTTP library of Python: `plan_python.py LIBRARY PLAN`.

A plan is JSON: `base`, `fresh` (a new connection for each step) and `steps` of method, path, form, json and headers.
Runs in an environment of its own, so everything but the standard library is imported where it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import http.cookiejar
import json
import ssl
import sys
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")
UNCHECKED = ssl._create_unverified_context()
Plan = dict[str, Any]
Step = dict[str, Any]


def body(step: Step) -> tuple[bytes | None, dict[str, str]]:
    """The body of a step, and the headers that libraries without a notion of forms have to be told."""
    if step["form"] is not None:
        return urllib.parse.urlencode(step["form"]).encode(), {"Content-Type": "application/x-www-form-urlencoded"}
    if step["json"] is not None:
        return json.dumps(step["json"]).encode(), {"Content-Type": "application/json"}
    return None, {}


def _session_like(make: Callable[[], Any], plan: Plan, **options: Any) -> None:
    session = make()
    for step in plan["steps"]:
        if plan["fresh"]:
            session = make()
        more = {"data": step["form"]} if step["form"] else {"json": step["json"]} if step["json"] else {}
        with contextlib.suppress(Exception):
            url = plan["base"] + step["path"]
            session.request(step["method"], url, headers=step["headers"] or None, timeout=15, **more, **options)


def use_requests(plan: Plan) -> None:
    import requests

    _session_like(requests.Session, plan, verify=False)


def use_niquests(plan: Plan) -> None:
    import niquests

    _session_like(niquests.Session, plan, verify=False)


def use_cloudscraper(plan: Plan) -> None:
    import cloudscraper

    UNCHECKED.check_hostname = False
    _session_like(lambda: cloudscraper.create_scraper(ssl_context=UNCHECKED), plan, verify=False)


def use_httpx(plan: Plan, http2: bool = False) -> None:
    import httpx

    _session_like(lambda: httpx.Client(verify=False, http2=http2, follow_redirects=True), plan)


def use_httpx2(plan: Plan) -> None:
    use_httpx(plan, True)


def use_curl_cffi(plan: Plan, browser: str) -> None:
    from curl_cffi import requests as impersonating

    _session_like(lambda: impersonating.Session(impersonate=browser or None, verify=False), plan)


def use_primp(plan: Plan, browser: str) -> None:
    import primp

    client = primp.Client(impersonate=browser, verify=False, cookie_store=True)
    # It asks a name server of its own, which knows this name alone.
    plan["base"] = plan["base"].replace("site.test", "localhost")
    for step in plan["steps"]:
        more = {"data": step["form"]} if step["form"] else {"json": step["json"]} if step["json"] else {}
        with contextlib.suppress(Exception):
            client.request(step["method"], plan["base"] + step["path"], headers=step["headers"] or None, **more)


def use_aiohttp(plan: Plan) -> None:
    import aiohttp

    async def run() -> None:
        connector = aiohttp.TCPConnector(ssl=False, force_close=plan["fresh"])
        async with aiohttp.ClientSession(connector=connector) as session:
            for step in plan["steps"]:
                more = {"data": step["form"]} if step["form"] else {"json": step["json"]} if step["json"] else {}
                with contextlib.suppress(Exception):
                    url = plan["base"] + step["path"]
                    async with session.request(step["method"], url, headers=step["headers"], **more) as answer:
                        await answer.read()

    asyncio.run(run())


def use_urllib(plan: Plan) -> None:
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=UNCHECKED),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )
    for step in plan["steps"]:
        data, headers = body(step)
        request = urllib.request.Request(
            plan["base"] + step["path"], data, {**headers, **step["headers"]}, method=step["method"]
        )
        with contextlib.suppress(OSError):
            opener.open(request, timeout=15).read()


def use_http_client(plan: Plan) -> None:
    parts = urllib.parse.urlsplit(plan["base"])
    made: http.client.HTTPConnection | None = None
    for step in plan["steps"]:
        if made is None or plan["fresh"]:
            secure = parts.scheme == "https"
            made = (
                http.client.HTTPSConnection(parts.netloc, context=UNCHECKED, timeout=15)
                if secure
                else http.client.HTTPConnection(parts.netloc, timeout=15)
            )
        data, headers = body(step)
        with contextlib.suppress(Exception):
            made.request(step["method"], step["path"], data, {**headers, **step["headers"]})
            made.getresponse().read()


def use_urllib3(plan: Plan) -> None:
    import urllib3

    pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
    for step in plan["steps"]:
        if plan["fresh"]:
            pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
        data, headers = body(step)
        with contextlib.suppress(Exception):
            url = plan["base"] + step["path"]
            pool.request(
                step["method"], url, body=data, headers={**headers, **step["headers"]}, timeout=15.0, retries=0
            )


def use_pycurl(plan: Plan) -> None:
    import pycurl

    curl = pycurl.Curl()
    for step in plan["steps"]:
        if plan["fresh"]:
            curl = pycurl.Curl()
        data, headers = body(step)
        curl.setopt(curl.URL, plan["base"] + step["path"])
        curl.setopt(curl.SSL_VERIFYPEER, 0)
        curl.setopt(curl.SSL_VERIFYHOST, 0)
        curl.setopt(curl.COOKIEFILE, "")
        curl.setopt(curl.WRITEFUNCTION, lambda _: None)
        curl.setopt(curl.HTTPHEADER, [f"{name}: {value}" for name, value in {**headers, **step["headers"]}.items()])
        if data is None:
            curl.setopt(curl.HTTPGET, 1)
        else:
            curl.setopt(curl.POSTFIELDS, data.decode())
        with contextlib.suppress(pycurl.error):
            curl.perform()


def use_httplib2(plan: Plan) -> None:
    import httplib2

    client = httplib2.Http(disable_ssl_certificate_validation=True, timeout=15)
    for step in plan["steps"]:
        data, headers = body(step)
        with contextlib.suppress(Exception):
            client.request(plan["base"] + step["path"], step["method"], data, {**headers, **step["headers"]})


def use_mechanize(plan: Plan) -> None:
    import mechanize

    browser = mechanize.Browser()
    browser.set_ca_data(context=UNCHECKED)
    browser.set_handle_robots(False)
    for step in plan["steps"]:
        data, headers = body(step)
        if step["headers"]:
            browser.addheaders = list(step["headers"].items())
        with contextlib.suppress(Exception):
            browser.open(mechanize.Request(plan["base"] + step["path"], data, headers), timeout=15)


def use_tornado(plan: Plan) -> None:
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    async def run() -> None:
        client = AsyncHTTPClient()
        for step in plan["steps"]:
            data, headers = body(step)
            request = HTTPRequest(
                plan["base"] + step["path"], step["method"], {**headers, **step["headers"]}, data, validate_cert=False
            )
            await client.fetch(request, raise_error=False)

    asyncio.run(run())


def use_scrapy(plan: Plan) -> None:
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Spider(scrapy.Spider):
        name = "spider"

        async def start(self) -> Any:
            for step in plan["steps"]:
                data, headers = body(step)
                yield scrapy.Request(
                    plan["base"] + step["path"], method=step["method"], body=data or b"",
                    headers={**headers, **step["headers"]}, callback=self.parse, dont_filter=True,
                )  # fmt: skip

        def parse(self, response: Any) -> Any:
            return None

    settings = {
        "LOG_ENABLED": False, "TELNETCONSOLE_ENABLED": False, "CONCURRENT_REQUESTS": 1, "HTTPERROR_ALLOW_ALL": True,
        "ROBOTSTXT_OBEY": not plan["fresh"],
    }  # fmt: skip
    process = CrawlerProcess(settings)
    process.crawl(Spider)
    process.start()


USES: dict[str, Callable[..., None]] = {
    name.removeprefix("use_"): use for name, use in list(globals().items()) if name.startswith("use_")
}

if __name__ == "__main__":
    library, _, browser = sys.argv[1].partition(":")
    with open(sys.argv[2], encoding="utf-8") as file:
        given = json.load(file)
    USES[library](given, *([browser] if browser or library in ("curl_cffi", "primp") else []))
