"""Pictures drawn by arithmetic: an SVG for every product, a seascape for every article, and one real PNG."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from hashlib import sha256
from math import sin
from typing import Final

_STROKE = 'fill="none" stroke="#1d3342" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"'
# One drawing for each product, on a canvas of 240 by 180.
_DRAWINGS: Final = {
    "storm-lantern": f'<g {_STROKE}><path d="M95 60h50l8 70H87z" fill="#f6c453"/><path d="M90 130h60v16H90zM100 60V48h40v12'
    'M105 48q15-34 30 0"/><path d="M120 118q-16-16 0-38 16 22 0 38z" fill="#e4572e"/></g>',
    "harbour-bell": f'<g {_STROKE}><path d="M76 128q16-14 16-50 0-34 28-34t28 34q0 36 16 50z" fill="#d9a441"/>'
    '<path d="M120 44V28M66 128h108"/><circle cx="120" cy="140" r="10" fill="#8c5a1a"/></g>',
    "oilskin-satchel": f'<g {_STROKE}><path d="M66 76h108v70H66z" fill="#7a8f4e"/><path d="M66 76h108l-14 36H80z" fill="#94ab62"/>'
    '<path d="M84 76q4-48 36-48t36 48M113 108h14v14h-14z"/></g>',
    "pilots-mug": f'<g {_STROKE}><path d="M88 62h56l12 84H76z" fill="#6fa8b8"/><path d="M150 84q34-4 30 22-3 22-26 20"/>'
    '<path d="M100 46q-8-10 0-20M116 46q-8-10 0-20M132 46q-8-10 0-20" stroke="#8aa0ab"/></g>',
    "fog-blanket": f'<g {_STROKE}><path d="M60 56h120v90H60z" fill="#c9d1d6"/><path d="M60 78h120M60 101h120M60 123h120" '
    'stroke="#7c8b95" stroke-width="10"/><path d="M66 146v12M84 146v12M102 146v12M120 146v12M138 146v12M156 146v12M174 146v12"/></g>',
    "splicing-fid": f'<g {_STROKE}><path d="M60 138L160 42q18-8 20 12L82 148q-18 12-22-10z" fill="#c98b4a"/>'
    '<path d="M62 136q-18 4-26 22M140 60l22 22"/></g>',
    "sounding-chart": f'<g {_STROKE}><path d="M58 46h124v94H58z" fill="#f4ead0"/><path d="M58 110q30-34 60-12t64-26" stroke="#3d7ea6"/>'
    '<path d="M58 126q34-30 62-10t62-24M84 62v18M75 71h18" stroke="#3d7ea6" stroke-width="2"/>'
    '<path d="M140 64l8 8m0-8l-8 8" stroke="#e4572e"/></g>',
    "paper-boat": f'<g {_STROKE}><path d="M56 104h128l-24 36H80z" fill="#fff"/><path d="M120 40l38 64H82z" fill="#f2efe6"/>'
    '<path d="M40 150q20-12 40 0t40 0 40 0 40 0" stroke="#3d7ea6"/></g>',
}


def product_picture(slug: str) -> str | None:
    """The SVG text of a product, or None for a product that is not drawn."""
    drawing = _DRAWINGS.get(slug)
    if drawing is None:
        return None
    hue = sha256(slug.encode()).digest()[0] * 360 // 256
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 180" role="img">'
        f'<rect width="240" height="180" fill="hsl({hue} 35% 88%)"/>{drawing}</svg>'
    )


def seascape(slug: str) -> str:
    """The SVG text of a sea and a sky that depend on the name alone."""
    seed = sha256(slug.encode()).digest()
    hue = 15 + seed[0] % 40
    sun = 80 + seed[1] * 2
    bands = []
    for number in range(5):
        top = 150 + number * 30
        wave = 8 + seed[number + 2] % 14
        points = "".join(f"q50 {-wave if step % 2 else wave} 100 0" for step in range(9))
        bands.append(
            f'<path d="M-{seed[number + 8] % 90} {top}{points}V320H-90z" fill="hsl({202 + number} 45% {58 - 8 * number}%)"/>'
        )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 300" preserveAspectRatio="xMidYMid slice" role="img">'
        f'<rect width="720" height="300" fill="hsl({hue} 75% 84%)"/>'
        f'<circle cx="{sun}" cy="110" r="42" fill="hsl({hue} 90% 66%)"/>{"".join(bands)}</svg>'
    )


@lru_cache(maxsize=1)
def postcard(width: int = 480, height: int = 270) -> bytes:
    """A PNG of dusk over water: three bytes a pixel, rows of at most two colours, so that it takes milliseconds."""
    rows = bytearray()
    for y in range(height):
        depth = y / height
        sky = bytes((int(250 - 120 * depth), int(190 - 60 * depth), int(150 + 40 * depth)))
        sea = bytes((int(40 + 30 * depth), int(95 - 20 * depth), int(130 - 20 * depth)))
        shore = int(width * (0.5 + 0.5 * sin(depth * 9) * (1 - depth))) if y > height // 2 else width
        rows += b"\x00" + sky * shore + sea * (width - shore)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
