"""Recorded clients as facts for the engine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from botproxy.model import Client, Facts, Headers, Request

CLIENTS = Path(__file__).resolve().parents[1] / "data" / "clients"
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
)
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:150.0) Gecko/20100101 Firefox/150.0"
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/26.0 Safari/605.1.15"
)


class Record(NamedTuple):
    """One recorded request head."""

    client: str
    scheme: str
    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]

    def facts(self, user_agent: str | None = None) -> Facts:
        """As the engine sees it, with another User-Agent if one is given."""
        headers = [(name, value) for name, value in self.headers]
        if user_agent is not None:
            if any(name.lower() == "user-agent" for name, _ in headers):
                headers = [(n, user_agent if n.lower() == "user-agent" else v) for n, v in headers]
            else:
                headers.append(("User-Agent", user_agent))
        return make_facts(headers, self.scheme == "https", self.method, self.target, self.version)


def make_facts(
    headers: list[tuple[str, str]],
    secure: bool = True,
    method: str = "GET",
    target: str = "/",
    version: str = "HTTP/1.1",
) -> Facts:
    """Facts of a request with these headers."""
    wire = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in headers)
    path, mark, query = target.encode("latin-1").partition(b"?")
    request = Request(
        ray="0" * 16, received=0.0, method=method.encode(), target=target.encode("latin-1"), path=path,
        query=query if mark else None, version=version, secure=secure, authority=b"site.test", host="site.test",
        headers=Headers(wire), body_length=0,
    )  # fmt: skip
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1234, "192.0.2.1")
    return Facts(request, client, "site", False, None, None, {})


def records(group: str) -> Iterator[Record]:
    """The recorded requests of a group of clients."""
    for line in (CLIENTS / f"{group}.jsonl").read_text().splitlines():
        fields = json.loads(line)
        fields["headers"] = [(name, value) for name, value in fields["headers"]]
        yield Record(**fields)
