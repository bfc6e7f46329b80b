"""Which paths are static resources."""

from __future__ import annotations

import pytest

from botproxy.scoring import is_static_resource
from botproxy.scoring.static_resources import EXTENSIONS


def test_there_are_43_extensions() -> None:
    assert len(EXTENSIONS) == 43


@pytest.mark.parametrize("path", [b"/a.js", b"/a/B.PNG", b"/x.torrent", b"/a.tar.css", b"/.well-known/acme", b"/a.ts"])
def test_static(path: bytes) -> None:
    assert is_static_resource(path)


@pytest.mark.parametrize(
    "path", [b"/", b"", b"/a.html", b"/.mp3", b"/js", b"/a.js/b", b"/a.", b"/.well-known", b"/a.jsx"]
)
def test_not_static(path: bytes) -> None:
    assert not is_static_resource(path)
