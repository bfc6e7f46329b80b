"""A page in any coding, charset and number of pieces arrives with the script in it, and otherwise as it left."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Callable
from typing import NamedTuple

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.proxy.injection.codings import CodingError
from botproxy.proxy.injection.placing import INJECTED
from botproxy.proxy.injection.streams import PageBody

SCRIPT = b"<script>the script</script>"


def raw_deflate(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])


def with_empty_members(data: bytes) -> bytes:
    return gzip.compress(b"") + gzip.compress(data) + gzip.compress(b"")


def with_names(data: bytes) -> bytes:
    plain = gzip.compress(data)
    return plain[:3] + b"\x1c" + plain[4:10] + b"\x03\x00abcpage.html\x00a comment\x00" + plain[10:]


def flushed(data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=31)
    pieces = [
        deflate.compress(data[at : at + 100]) + deflate.flush(zlib.Z_SYNC_FLUSH) for at in range(0, len(data), 100)
    ]
    return b"".join(pieces) + deflate.flush()


def stored(data: bytes) -> bytes:
    return gzip.compress(data, 0)


CODINGS: dict[str, tuple[bytes, Callable[[bytes], bytes]]] = {
    "plain": (b"", bytes),
    "gzip": (b"gzip", gzip.compress),
    "gzip, stored": (b"gzip", stored),
    "gzip, flushed": (b"gzip", flushed),
    "gzip, names in its header": (b"gzip", with_names),
    "gzip, two members": (b"gzip", two_members),
    "gzip, empty members": (b"x-gzip", with_empty_members),
    "deflate": (b"deflate", zlib.compress),
    "deflate without wrapping": (b"deflate", raw_deflate),
    "br": (b"br", brotli.compress),
    "zstd": (b"zstd", zstd.compress),
    "zstd, two frames": (b"zstd", lambda data: zstd.compress(data[:9]) + zstd.compress(data[9:])),
}


def decoded(coding: bytes, data: bytes) -> bytes:
    """As much of it as can be read, by readers that are not ours."""
    if not coding:
        return data
    assert coding in (b"gzip", b"x-gzip")
    found = b""
    while data:
        inflate = zlib.decompressobj(31)
        found += inflate.decompress(data)
        if not inflate.eof:
            break
        data = inflate.unused_data
    return found


def readable(coding: bytes, data: bytes) -> bytes:
    """What a browser shows of it, which stops at the first fault."""
    if not coding:
        return data
    inflate = zlib.decompressobj(31)
    found = b""
    try:
        for byte in data:
            found += inflate.decompress(bytes([byte]))
    except zlib.error:
        pass
    return found


class Passed(NamedTuple):
    body: PageBody
    sent: bytes
    first: bytes

    @property
    def page(self) -> bytes:
        return decoded(self.body.coding, self.sent)


def through(
    coding: bytes,
    data: bytes,
    cuts: list[int],
    charset: bytes = b"",
    recoded: bytes = b"gzip",
    head_first: bool = False,
) -> Passed:
    """Send a coded page through, cut into pieces at these places."""
    body = PageBody(coding, charset, recoded, lambda: SCRIPT)
    sent: list[bytes] = []
    if head_first:
        sent += body.feed(b"")
        body.settle()
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        if cut > at or cut == len(data):
            sent += body.feed(data[at:cut])
            body.settle()
            while body.waiting:
                sent.append(body.more())
            at = cut
    sent.append(body.end())
    while body.waiting:
        sent.append(body.more())
        sent.append(body.end())
    return Passed(body, b"".join(sent), sent[0])


def page_of(size: int, head: bytes = b"<head>") -> bytes:
    words = random.Random(size)
    text = b" ".join([b"%x" % words.randrange(1 << 40) for _ in range(size // 10)])
    return (
        b'<!DOCTYPE html>\n<html lang="en">\n' + head + b"<title>Page</title></head><body>" + text + b"</body></html>"
    )


def assert_injected(passed: Passed, page: bytes, before: bytes) -> None:
    """The script stands once, right where the head begins, and nothing else changed.

    Where gzip was not unpacked the opening stands twice, once before the script: a browser builds the same document.
    """
    got = passed.page
    assert passed.body.result == INJECTED
    assert got.count(SCRIPT) == 1
    at = page.index(before) + len(before)
    opening = page[:at].replace(b"\n", b"")
    assert got in (page[:at] + SCRIPT + page[at:], opening + SCRIPT + page)


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("size", [0, 3_000, 200_000])
@pytest.mark.parametrize("head_first", [False, True])
def test_a_page_in_every_coding(name: str, size: int, head_first: bool) -> None:
    coding, encode = CODINGS[name]
    page = page_of(size)
    data = encode(page)
    passed = through(coding, data, list(range(1000, len(data), 16_000)), head_first=head_first)
    assert_injected(passed, page, b"<head>")
    if passed.body.grown is not None:
        assert len(passed.sent) == len(data) + passed.body.grown


@pytest.mark.parametrize("name", CODINGS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_borders_of_pieces_do_not_matter(name: str, data: st.DataObject) -> None:
    coding, encode = CODINGS[name]
    page = page_of(data.draw(st.sampled_from([0, 500, 5_000])))
    body = encode(page)
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=40))
    assert_injected(through(coding, body, cuts, head_first=data.draw(st.booleans())), page, b"<head>")


@pytest.mark.parametrize("name", CODINGS)
def test_one_byte_at_a_time(name: str) -> None:
    coding, encode = CODINGS[name]
    page = page_of(300)
    data = encode(page)
    assert_injected(through(coding, data, list(range(len(data)))), page, b"<head>")


def test_gzip_is_not_unpacked_and_its_length_known() -> None:
    page = page_of(100_000)
    data = gzip.compress(page)
    passed = through(b"gzip", data, [5_000])
    assert passed.body.grown is not None
    assert data[10 : len(data) - 8] in passed.sent
    assert gzip.decompress(passed.sent).endswith(page)  # checksum and length are right, else this raises


def test_a_strict_reader_finds_every_checksum_right() -> None:
    for name in ("gzip", "gzip, two members", "gzip, empty members", "gzip, names in its header", "gzip, flushed"):
        page = page_of(4_000)
        passed = through(b"gzip", CODINGS[name][1](page), [700, 1500])
        assert gzip.decompress(passed.sent).endswith(page[40:])


def test_who_does_not_read_gzip_gets_it_plain() -> None:
    page = page_of(3_000)
    passed = through(b"br", brotli.compress(page), [], recoded=b"")
    assert passed.body.coding == b""
    assert_injected(passed, page, b"<head>")


@pytest.mark.parametrize(
    ("mark", "encoding", "charset"),
    [
        (b"\xff\xfe", "utf-16-le", b""),
        (b"\xfe\xff", "utf-16-be", b"utf-8"),
        (b"", "utf-16-le", b"utf-16"),
        (b"", "utf-16-be", b"utf-16be"),
        (b"\xef\xbb\xbf", "utf-8", b"iso-8859-1"),
        (b"", "iso-2022-jp", b"iso-2022-jp"),
        (b"", "shift_jis", b"shift_jis"),
        (b"", "gb18030", b"gb18030"),
        (b"", "big5hkscs", b"big5"),
        (b"", "windows-1251", b"windows-1251"),
    ],
)
@pytest.mark.parametrize("coding", ["plain", "gzip", "br"])
def test_a_page_in_every_charset(mark: bytes, encoding: str, charset: bytes, coding: str) -> None:
    greeting = {"windows-1251": "Привет", "big5hkscs": "中文"}.get(encoding, "日本語")
    text = f'<!DOCTYPE html><html title="{greeting}"><!-- {greeting} --><head><title>{greeting}</title></head>'
    page = mark + text.encode(encoding)
    name, encode = CODINGS[coding]
    passed = through(name, encode(page), [1, 2, 3, 50], charset)
    assert passed.body.result == INJECTED
    got = passed.page
    assert got.startswith(mark)
    read = got[len(mark) :].decode(encoding)
    assert read.count(SCRIPT.decode()) == 1
    assert read.replace(SCRIPT.decode(), "") in (text, f'<!DOCTYPE html><html title="{greeting}"><head>' + text)


@pytest.mark.parametrize("charset", [b"utf-32", b"iso-2022-kr", b"utf-7"])
def test_what_no_browser_could_read_is_left_alone(charset: bytes) -> None:
    page = page_of(300)
    passed = through(b"", page, [], charset)
    assert (passed.body.result, passed.sent, passed.body.grown) == ("charset", page, 0)


@pytest.mark.parametrize("coding", ["plain", "gzip", "br"])
@pytest.mark.parametrize(
    "page",
    [b"", b"<div>a piece</div>", b'{"html": "<html>"}', b"<tr></tr>" * 20_000, b"<!-- " + b"x" * 100_000],
    ids=["nothing", "a piece", "JSON", "rows", "a comment without end"],
)
def test_a_piece_of_a_page_is_left_alone(coding: str, page: bytes) -> None:
    name, encode = CODINGS[coding]
    data = encode(page)
    passed = through(name, data, [3, 10_000])
    assert (passed.body.result, passed.page if coding != "br" else page) == ("fragment", page)


def test_a_policy_in_the_page_is_left_alone() -> None:
    page = page_of(3_000, b'<head><meta http-equiv="Content-Security-Policy" content="script-src \'none\'">')
    data = gzip.compress(page)
    passed = through(b"gzip", data, [])
    assert (passed.body.result, passed.sent, passed.body.grown) == ("meta_policy", data, 0)


def test_a_charset_that_only_a_meta_tells_is_told_before_the_script() -> None:
    page = page_of(3_000, b'<head><meta charset="EUC-JP">')
    for coding, data in ((b"", page), (b"gzip", gzip.compress(page))):
        assert b'<meta charset="euc-jp">' + SCRIPT in through(coding, data, []).page
        assert b'<meta charset="euc-jp">' not in through(coding, data, [], b"euc-jp").page


@pytest.mark.parametrize("name", CODINGS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_body_that_is_cut_short_shows_all_that_came(name: str, data: st.DataObject) -> None:
    coding, encode = CODINGS[name]
    page = page_of(2_000)
    body = encode(page)
    body = body[: data.draw(st.integers(0, len(body) - 9))]
    cuts = data.draw(st.lists(st.integers(0, len(body)), max_size=10))
    passed = through(coding, body, cuts)
    if coding in (b"", b"gzip") and "members" not in name:
        # A cut in the middle of what ends a flush looks like a trailer, and costs the last few letters.
        came = decoded(coding, body)[40:-100]
        assert came in readable(passed.body.coding, passed.sent)


@given(st.binary(max_size=400), st.sampled_from([b"", b"gzip", b"deflate", b"br", b"zstd"]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_body_that_is_not_what_its_head_says_passes_or_ends(data: bytes, coding: bytes, head_first: bool) -> None:
    try:
        passed = through(coding, data, [len(data) // 2], head_first=head_first)
    except CodingError:
        assert coding in (b"deflate", b"br", b"zstd")
        return
    if passed.body.result != INJECTED and coding in (b"", b"gzip"):
        assert passed.sent == data


def test_plain_html_that_is_called_gzip_passes() -> None:
    page = page_of(500)
    passed = through(b"gzip", page, [])
    assert (passed.body.result, passed.sent) == ("coding", page)


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_unpacked_in_turns(coding: str) -> None:
    page = b"\xef\xbb\xbf" + page_of(0) + bytes(30_000_000)  # what begins with a mark has to be unpacked
    name, encode = CODINGS[coding]
    body = PageBody(name, b"", b"gzip", lambda: SCRIPT)
    data = encode(page)
    sent = body.feed(data)
    turns = 0
    while body.waiting:
        turns += 1
        piece = body.more()
        assert len(piece) < 1_000_000
        sent.append(piece)
    sent.append(body.end())
    assert_injected(Passed(body, b"".join(sent), sent[0]), page, b"<head>")
    assert turns >= 10 or body.grown is not None


def test_what_was_read_goes_on_at_once() -> None:
    """An origin that writes a page bit by bit: after each flush the visitor can read as much as the origin wrote."""
    for coding in ("plain", "gzip"):
        deflate = zlib.compressobj(wbits=31)
        body = PageBody(b"" if coding == "plain" else b"gzip", b"", b"gzip", lambda: SCRIPT)
        sent = b""
        page = b""
        for piece in (b"<!doctype html><html><head><title>a</title>", b"<body>one", b"<p>two", b"<p>three</html>"):
            page += piece
            data = piece if coding == "plain" else deflate.compress(piece) + deflate.flush(zlib.Z_SYNC_FLUSH)
            sent += b"".join(body.feed(data))
            body.settle()
            assert decoded(body.coding, sent).endswith(page[40:])
