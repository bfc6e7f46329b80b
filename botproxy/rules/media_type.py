"""What kind of data a body begins like, for `http.request.body.mime`: known signatures, not what a client claims."""

from __future__ import annotations

from typing import Final

EXAMINED: Final = 512
"""Bytes from the beginning that are looked at."""

_AT_START: Final = (
    (b"\x89PNG\r\n\x1a\n", b"image/png"),
    (b"\xff\xd8\xff", b"image/jpeg"),
    (b"GIF87a", b"image/gif"),
    (b"GIF89a", b"image/gif"),
    (b"BM", b"image/bmp"),
    (b"II*\x00", b"image/tiff"),
    (b"MM\x00*", b"image/tiff"),
    (b"\x00\x00\x01\x00", b"image/vnd.microsoft.icon"),
    (b"8BPS", b"image/vnd.adobe.photoshop"),
    (b"%PDF-", b"application/pdf"),
    (b"PK\x03\x04", b"application/zip"),
    (b"PK\x05\x06", b"application/zip"),
    (b"Rar!\x1a\x07", b"application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", b"application/x-7z-compressed"),
    (b"\x1f\x8b", b"application/gzip"),
    (b"BZh", b"application/x-bzip2"),
    (b"\xfd7zXZ\x00", b"application/x-xz"),
    (b"\x28\xb5\x2f\xfd", b"application/zstd"),
    (b"\x7fELF", b"application/x-executable"),
    (b"MZ", b"application/vnd.microsoft.portable-executable"),
    (b"\xca\xfe\xba\xbe", b"application/java"),
    (b"\x00asm", b"application/wasm"),
    (b"SQLite format 3\x00", b"application/vnd.sqlite3"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"application/x-ole-storage"),
    (b"{\\rtf", b"application/rtf"),
    (b"%!", b"application/postscript"),
    (b"ID3", b"audio/mpeg"),
    (b"\xff\xfb", b"audio/mpeg"),
    (b"\xff\xf3", b"audio/mpeg"),
    (b"\xff\xf2", b"audio/mpeg"),
    (b"OggS", b"audio/ogg"),
    (b"fLaC", b"audio/x-flac"),
    (b"MThd", b"audio/midi"),
    (b"\x1aE\xdf\xa3", b"video/webm"),
    (b"FLV\x01", b"video/x-flv"),
    (b"\x00\x00\x01\xba", b"video/mpeg"),
    (b"\x00\x00\x01\xb3", b"video/mpeg"),
    (b"wOFF", b"application/font-woff"),
    (b"wOF2", b"application/font-woff"),
    (b"#!", b"text/x-shellscript"),
)
_IN_RIFF: Final = {b"WEBP": b"image/webp", b"WAVE": b"audio/x-wav", b"AVI ": b"video/x-msvideo"}
# Brands of the ISO base media format; any other one is taken for a video.
_BRANDS: Final = {
    b"avif": b"image/avif",
    b"avis": b"image/avif",
    b"heic": b"image/heif",
    b"heix": b"image/heif",
    b"mif1": b"image/heif",
    b"M4A ": b"audio/m4a",
    b"qt  ": b"video/quicktime",
}
_TAR_MARK_AT: Final = 257
_MARKUP: Final = (
    (b"<!doctype html", b"text/html"),
    (b"<html", b"text/html"),
    (b"<head", b"text/html"),
    (b"<body", b"text/html"),
    (b"<script", b"text/html"),
    (b"<?xml", b"text/xml"),
)


def media_type(body: bytes) -> bytes | None:
    """The MIME type that the beginning of a body has the signature of; None when it has none that is known."""
    start = body[:EXAMINED]
    if start[:4] == b"RIFF":
        return _IN_RIFF.get(start[8:12])
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], b"video/mp4")
    for signature, kind in _AT_START:
        if start.startswith(signature):
            return kind
    if start[_TAR_MARK_AT : _TAR_MARK_AT + 5] == b"ustar":
        return b"application/x-tar"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").lower()
    for signature, kind in _MARKUP:
        if text.startswith(signature):
            return kind
    return None
