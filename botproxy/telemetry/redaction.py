"""What of a URL may be recorded: names, never values."""

from __future__ import annotations

MAX_PARTS = 64
MAX_NAME = 64
REDACTED = "*"


def redact_query(query: bytes) -> str:
    """The query string with every value replaced by `*`; pure, and bounded whatever came.

    A part without `=` is taken for a value, because tokens are sent like that. Names longer than `MAX_NAME` bytes are
    cut; parts beyond `MAX_PARTS` become one `…`.
    """
    if not query:
        return ""
    parts = query.split(b"&", MAX_PARTS)
    kept = []
    for part in parts[:MAX_PARTS]:
        name, equals, _ = part.partition(b"=")
        if equals:
            kept.append(name[:MAX_NAME].decode("utf-8", "replace") + "=" + REDACTED)
        elif name:
            kept.append(REDACTED)
    if len(parts) > MAX_PARTS:
        kept.append("…")
    return "&".join(kept)


def redact_url(url: bytes) -> str:
    """A URL, as in Referer, with its query redacted, and without user, password and fragment."""
    rest, _, _ = url.partition(b"#")
    rest, question, query = rest.partition(b"?")
    scheme, slashes, after = rest.partition(b"://")
    if slashes:
        authority, slash, path = after.partition(b"/")
        rest = scheme + slashes + authority.rpartition(b"@")[2] + slash + path
    text = rest.decode("utf-8", "replace")
    return f"{text}?{redact_query(query)}" if question else text
