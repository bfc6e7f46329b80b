"""Downloads of any size are streamed, with single ranges as RFC 9110 section 14 has them."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from hypothesis import given
from hypothesis import strategies as st
from pytest_aiohttp.plugin import AiohttpClient

from botproxy.demo import application
from botproxy.demo.downloads import LARGEST, content, length_of, parse_range

Site = TestClient[Request, Application]


@pytest.fixture
async def site(aiohttp_client: AiohttpClient) -> Site:
    return await aiohttp_client(application())


async def test_whole_file_has_its_length_and_its_content(site: Site) -> None:
    async with site.get("/files/bytes-200001.bin") as response:
        assert response.headers["Content-Length"] == "200001"
        assert await response.read() == content(0, 200001)


async def test_head_says_the_length_and_sends_nothing(site: Site) -> None:
    async with site.head("/files/soundings.bin") as response:
        assert response.headers["Content-Length"] == str(200 * 1024**2)
        assert await response.read() == b""


@pytest.mark.parametrize(
    ("wanted", "first", "last"), [("100-199", 100, 199), ("70000-", 70000, 99999), ("-5", 99995, 99999)]
)
async def test_a_range_is_that_part_of_the_file(site: Site, wanted: str, first: int, last: int) -> None:
    async with site.get("/files/bytes-100000.bin", headers={"Range": f"bytes={wanted}"}) as response:
        assert response.status == 206
        assert response.headers["Content-Range"] == f"bytes {first}-{last}/100000"
        assert await response.read() == content(first, last - first + 1)


async def test_a_range_behind_the_end_is_refused_with_the_length(site: Site) -> None:
    async with site.get("/files/bytes-10.bin", headers={"Range": "bytes=10-"}) as response:
        assert (response.status, response.headers["Content-Range"]) == (416, "bytes */10")


async def test_what_the_visitor_has_is_not_sent_again(site: Site) -> None:
    async with site.get("/files/bytes-10.bin") as response:
        etag = response.headers["ETag"]
    async with site.get("/files/bytes-10.bin", headers={"If-None-Match": etag}) as response:
        assert response.status == 304
    async with site.get("/files/bytes-10.bin", headers={"Range": "bytes=0-1", "If-Range": '"other"'}) as response:
        assert response.status == 200


@pytest.mark.parametrize("name", ["bytes-.bin", "bytes-1.bin.exe", f"bytes-{LARGEST + 1}.bin", "../soundings.bin", ""])
def test_a_name_that_is_no_file_has_no_length(name: str) -> None:
    assert length_of(name) is None


@given(st.text(max_size=30) | st.from_regex(r"bytes=\d{0,12}-\d{0,12}", fullmatch=True), st.integers(0, 2**33))
def test_any_range_header_is_ignored_refused_or_inside_the_file(text: str, length: int) -> None:
    try:
        found = parse_range(text, length)
    except ValueError:
        return
    if found is not None:
        first, count = found
        assert 0 <= first < length
        assert 0 < count <= length - first
