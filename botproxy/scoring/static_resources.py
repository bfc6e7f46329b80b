"""Which paths are static resources (reference section 8)."""

from __future__ import annotations

from typing import Final

EXTENSIONS: Final[frozenset[bytes]] = frozenset(
    b"ico jpg png jpeg gif css js tif tiff bmp pict webp svg svgz class jar txt csv doc docx xls xlsx pdf ps pls ppt"
    b" pptx ttf otf woff woff2 eot eps ejs swf torrent midi mid m3u8 m4a mp3 ogg ts".split()
)
_LONGEST: Final = max(map(len, EXTENSIONS))


def is_static_resource(path: bytes) -> bool:
    """Whether a normalised path, without its query, has one of the extensions or lies under `/.well-known/`.

    Extensions are compared without regard to case, as `http.request.uri.path.extension` is. A name that consists of
    nothing but an extension (`/.mp3`) has none, as that field has it.
    """
    if path.startswith(b"/.well-known/"):
        return True
    dot = path.rfind(b".", max(0, len(path) - _LONGEST - 1))
    return dot > 0 and path[dot - 1 : dot] != b"/" and path[dot + 1 :].lower() in EXTENSIONS
