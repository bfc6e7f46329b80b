"""A canonical encoding of byte strings: two different lists of fields never have the same encoding.

Whatever is sealed or authenticated is encoded here or in a layout of fixed widths; fields run together without
lengths let an expiry be extended by moving digits from one field to the next (CVE-2025-68113).
"""

from __future__ import annotations


def pack_fields(*fields: bytes) -> bytes:
    """Each field behind its length in two bytes, big-endian. Raises `ValueError` for a field above 65,535 bytes."""
    parts = []
    for field in fields:
        if len(field) > 0xFFFF:
            raise ValueError("a field has more than 65,535 bytes")
        parts.append(len(field).to_bytes(2, "big"))
        parts.append(field)
    return b"".join(parts)


def unpack_fields(payload: bytes, count: int) -> tuple[bytes, ...] | None:
    """Exactly `count` fields that fill the payload to the last byte, or None."""
    fields = []
    at = 0
    for _ in range(count):
        start = at + 2
        if start > len(payload):
            return None
        at = start + int.from_bytes(payload[at:start], "big")
        if at > len(payload):
            return None
        fields.append(payload[start:at])
    return tuple(fields) if at == len(payload) else None
