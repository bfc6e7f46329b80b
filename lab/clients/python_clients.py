"""HTTP libraries of Python: `python_clients.py LIBRARY BASE` does with one library what programs do with it.

Runs in an environment of its own, so everything but the standard library is imported where it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import http.cookiejar
import ssl
import sys
import urllib.parse
import urllib.request
import warnings
from collections.abc import Callable
from typing import Any

warnings.simplefilter("ignore")
FORM = {"a": "1"}
UNCHECKED = ssl._create_unverified_context()


def use_requests(base: str) -> None:
    import requests

    _session_like(requests.Session(), base, verify=False)


def use_niquests(base: str) -> None:
    import niquests

    _session_like(niquests.Session(), base, verify=False)


def use_cloudscraper(base: str) -> None:
    import cloudscraper

    scraper = cloudscraper.create_scraper(ssl_context=UNCHECKED)
    UNCHECKED.check_hostname = False
    _session_like(scraper, base, verify=False)


def _session_like(session: Any, base: str, **options: Any) -> None:
    session.get(base + "/page", **options)
    session.get(base + "/linked", **options)
    session.get(base + "/again", **options)
    session.post(base + "/form", data=FORM, **options)
    session.post(base + "/json", json=FORM, **options)
    session.post(base + "/upload", files={"file": b"x"}, **options)
    session.head(base + "/head", **options)
    session.put(base + "/put", data=b"x", **options)
    session.delete(base + "/delete", **options)
    session.get(base + "/image.png", **options)
    session.get(base + "/api", headers={"Accept": "application/json", "Authorization": "Bearer x"}, **options)


def use_httpx(base: str) -> None:
    import httpx

    with httpx.Client(verify=False) as client:
        for path in ("/page", "/linked", "/again", "/image.png"):
            client.get(base + path)
        client.post(base + "/form", data=FORM)
        client.post(base + "/json", json=FORM)
        client.head(base + "/head")
        client.delete(base + "/delete")
        client.get(base + "/api", headers={"Accept": "application/json"})
    with httpx.Client(verify=False, http2=True) as client:
        client.get(base + "/http2")


def use_aiohttp(base: str) -> None:
    import aiohttp

    async def run() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
            for path in ("/page", "/linked", "/again", "/image.png"):
                async with session.get(base + path):
                    pass
            async with session.post(base + "/form", data=FORM):
                pass
            async with session.post(base + "/json", json=FORM):
                pass
            async with session.head(base + "/head"):
                pass
            async with session.get(base + "/api", headers={"Accept": "application/json"}):
                pass
            with contextlib.suppress(Exception):
                async with session.ws_connect(base + "/socket"):
                    pass

    asyncio.run(run())


def use_urllib(base: str) -> None:
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=UNCHECKED),
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
    )
    for path in ("/page", "/linked", "/again", "/image.png"):
        opener.open(base + path)
    opener.open(base + "/form", urllib.parse.urlencode(FORM).encode())
    opener.open(urllib.request.Request(base + "/json", b"{}", {"Content-Type": "application/json"}))
    opener.open(urllib.request.Request(base + "/head", method="HEAD"))
    opener.open(urllib.request.Request(base + "/api", headers={"Accept": "application/json"}))


def use_http_client(base: str) -> None:
    parts = urllib.parse.urlsplit(base)
    plain = parts.scheme == "http"
    made: http.client.HTTPConnection = (
        http.client.HTTPConnection(parts.netloc)
        if plain
        else http.client.HTTPSConnection(parts.netloc, context=UNCHECKED)
    )
    for method, path, body in (("GET", "/page", None), ("POST", "/json", b"{}"), ("HEAD", "/head", None)):
        made.request(method, path, body)
        made.getresponse().read()


def use_urllib3(base: str) -> None:
    import urllib3

    pool = urllib3.PoolManager(cert_reqs="CERT_NONE")
    for path in ("/page", "/linked", "/image.png"):
        pool.request("GET", base + path)
    pool.request("POST", base + "/form", fields=FORM)
    pool.request("POST", base + "/json", json=FORM)
    pool.request("HEAD", base + "/head")


def use_pycurl(base: str) -> None:
    import pycurl

    for path in ("/page", "/linked", "/image.png"):
        curl = pycurl.Curl()
        curl.setopt(curl.URL, base + path)
        curl.setopt(curl.SSL_VERIFYPEER, 0)
        curl.setopt(curl.WRITEFUNCTION, lambda _: None)
        curl.perform()
        curl.setopt(curl.POSTFIELDS, "a=1")
        curl.perform()


def use_httplib2(base: str) -> None:
    import httplib2

    http_ = httplib2.Http(disable_ssl_certificate_validation=True)
    http_.request(base + "/page")
    http_.request(base + "/json", "POST", body="{}", headers={"Content-Type": "application/json"})


def use_mechanize(base: str) -> None:
    import mechanize

    browser = mechanize.Browser()
    browser.set_ca_data(context=UNCHECKED)
    browser.set_handle_robots(False)
    browser.open(base + "/page")
    browser.open(base + "/linked")
    browser.open(base + "/form", b"a=1")


def use_tornado(base: str) -> None:
    from tornado.httpclient import AsyncHTTPClient, HTTPRequest

    async def run() -> None:
        client = AsyncHTTPClient()
        for path in ("/page", "/linked"):
            await client.fetch(HTTPRequest(base + path, validate_cert=False))
        await client.fetch(HTTPRequest(base + "/form", method="POST", body="a=1", validate_cert=False))

    asyncio.run(run())


def use_scrapy(base: str) -> None:
    import scrapy
    from scrapy.crawler import CrawlerProcess

    class Spider(scrapy.Spider):
        name = "spider"
        start_urls = (base + "/page", base + "/linked")

        async def start(self) -> Any:
            for url in self.start_urls:
                yield scrapy.Request(url, callback=self.parse)

        def parse(self, response: Any) -> Any:
            yield scrapy.FormRequest(base + "/form", formdata=FORM, callback=lambda _: None)
            yield response.follow("/followed", callback=lambda _: None)
            yield scrapy.http.JsonRequest(base + "/json", data=FORM, callback=lambda _: None)

    process = CrawlerProcess({"LOG_ENABLED": False, "ROBOTSTXT_OBEY": True, "TELNETCONSOLE_ENABLED": False})
    process.crawl(Spider)
    process.start()


def use_curl_cffi(base: str) -> None:
    from curl_cffi import requests as impersonating

    for browser in (None, "chrome", "chrome110", "edge101", "firefox", "safari", "safari_ios", "chrome_android"):
        with contextlib.suppress(Exception):
            session = impersonating.Session(impersonate=browser, verify=False, http_version="v1")
            mark = f"?as={browser}"
            session.get(base + "/page" + mark)
            session.get(base + "/again" + mark)
            session.post(base + "/form" + mark, data=FORM)
            session.post(base + "/json" + mark, json=FORM)
            session.get(base + "/api" + mark, headers={"Accept": "application/json"})


USES: dict[str, Callable[[str], None]] = {
    name.removeprefix("use_"): use for name, use in list(globals().items()) if name.startswith("use_")
}

if __name__ == "__main__":
    USES[sys.argv[1]](sys.argv[2])
