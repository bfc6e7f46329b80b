"""Files of any size, made while they are sent: single byte ranges (RFC 9110 section 14), nothing held in memory."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import hdrs, web

_BLOCK_BYTES: Final = 65536
# Every 16 bytes of a block say where in the block they are, so that a test can tell a range from its neighbour.
_BLOCK: Final = b"".join(b"%014d\r\n" % offset for offset in range(0, _BLOCK_BYTES, 16))
_DOUBLE: Final = memoryview(_BLOCK + _BLOCK)
LARGEST: Final = 4 * 1024**3

FILES: Final = {
    "soundings.bin": 200 * 1024**2,
    "tide-tables.bin": 5 * 1024**2,
    "leaflet.bin": 50 * 1024,
}
_SIZED: Final = re.compile(r"bytes-(\d{1,10})\.bin\Z")
_RANGE: Final = re.compile(r"bytes=(\d{0,12})-(\d{0,12})\Z")


def size_text(count: int) -> str:
    return f"{count // 1024**2} MB" if count >= 1024**2 else f"{count // 1024} KB"


def length_of(name: str) -> int | None:
    """Bytes of the file with this name, or None when there is none."""
    sized = _SIZED.match(name)
    if sized is None:
        return FILES.get(name)
    length = int(sized[1])
    return length if length <= LARGEST else None


def content(start: int, length: int) -> bytes:
    """What a file holds from byte `start` on; for tests and small answers."""
    first = start % _BLOCK_BYTES
    repeated = _BLOCK * ((first + length) // _BLOCK_BYTES + 1)
    return repeated[first : first + length]


def parse_range(text: str, length: int) -> tuple[int, int] | None:
    """(first byte, count) of a single range; None to ignore it; ValueError when it cannot be satisfied."""
    found = _RANGE.match(text.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        count = min(int(found[2]), length)
        if count == 0:
            raise ValueError(text)
        return length - count, count
    first = int(found[1])
    last = min(int(found[2]), length - 1) if found[2] else length - 1
    if found[2] and int(found[2]) < first:
        return None
    if first >= length:
        raise ValueError(text)
    return first, last - first + 1


async def send(request: web.Request) -> web.StreamResponse:
    """GET or HEAD of `/files/{name}`."""
    length = length_of(request.match_info["name"])
    if length is None:
        raise web.HTTPNotFound
    etag = f'"demo-{length}"'
    headers = {"Accept-Ranges": "bytes", "ETag": etag, "Cache-Control": "public, max-age=3600"}
    if request.headers.get(hdrs.IF_NONE_MATCH) == etag:
        return web.Response(status=304, headers=headers)
    start, count, status = 0, length, 200
    if hdrs.RANGE in request.headers and request.headers.get(hdrs.IF_RANGE, etag) == etag:
        try:
            wanted = parse_range(request.headers[hdrs.RANGE], length)
        except ValueError:
            return web.Response(status=416, headers=headers | {"Content-Range": f"bytes */{length}"})
        if wanted is not None:
            start, count = wanted
            status = 206
            headers["Content-Range"] = f"bytes {start}-{start + count - 1}/{length}"
    response = web.StreamResponse(status=status, headers=headers)
    response.content_type = "application/octet-stream"
    response.content_length = count
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        offset, left = start % _BLOCK_BYTES, count
        while left > 0:
            piece = min(left, _BLOCK_BYTES)
            await response.write(_DOUBLE[offset : offset + piece])
            left -= piece
    await response.write_eof()
    return response
