"""Whether a site's Content-Security-Policy lets our script run, and how it has to look for that (CSP Level 3).

A policy is the site's own and is never changed. Where it refuses, the page is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple


class Form(Enum):
    """How the script stands in the page."""

    INLINE = "inline"  # what it has to know is a script of its own before it
    EXTERNAL = "external"  # what it has to know is an attribute
    REFUSED = "refused"


class Permission(NamedTuple):
    """What a page's policies permit together; `nonce` is to be copied, empty where none is wanted."""

    form: Form
    nonce: bytes = b""


UNRESTRICTED: Final = Permission(Form.INLINE)
_REFUSED: Final = Permission(Form.REFUSED)

_NONCE: Final = re.compile(rb"'nonce-([A-Za-z0-9+/_-]{1,200}={0,2})'\Z", re.IGNORECASE)
_HASH: Final = re.compile(rb"'sha(?:256|384|512)-", re.IGNORECASE)
_HOST: Final = re.compile(
    rb"(?:([a-z][a-z0-9+.-]*)://)?(\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]+|\*))?(/[^?#]*)?\Z",
    re.IGNORECASE,
)
_MOST: Final = 16 * 1024
"""Bytes of all policies together; longer ones refuse, rather than being read."""


class Page(NamedTuple):
    """Where the page is, as its policies see it."""

    secure: bool
    authority: bytes  # host and port as the visitor wrote them
    script: bytes  # path of the script
    report: bytes  # path to which it reports


def permission(policies: Sequence[bytes], page: Page) -> Permission:
    """What the values of all Content-Security-Policy headers of a response permit our script."""
    if not policies:
        return UNRESTRICTED
    if sum(map(len, policies)) > _MOST:
        return _REFUSED
    inline: _Allowed | None = _Allowed(True, None)
    external: _Allowed | None = _Allowed(True, None)
    for header in policies:
        for policy in header.split(b","):
            directives = _directives(policy)
            if not directives:
                continue
            if _shut(directives) or not _connects(directives, page):
                return _REFUSED
            sources = _governing(directives, (b"script-src-elem", b"script-src", b"default-src"))
            if sources is None:
                continue
            inline = _both(inline, _inline(sources))
            external = _both(external, _external(sources, page))
    if external is None:
        return _REFUSED
    together = _both(inline, external)
    if together is not None:
        return Permission(Form.INLINE, together.nonce)
    return Permission(Form.EXTERNAL, external.nonce)


class _Allowed(NamedTuple):
    """A script may stand there: any (`free`), or one with one of these nonces."""

    free: bool
    nonces: frozenset[bytes] | None  # None where it is `free`

    @property
    def nonce(self) -> bytes:
        return min(self.nonces) if self.nonces else b""


def _both(one: _Allowed | None, other: _Allowed | None) -> _Allowed | None:
    if one is None or other is None:
        return None
    if one.nonces is None or other.nonces is None:
        return one if other.nonces is None else other
    common = one.nonces & other.nonces
    return _Allowed(False, common) if common else None


def _directives(policy: bytes) -> dict[bytes, list[bytes]]:
    """By lower-case name; of a name that stands twice the first counts."""
    found: dict[bytes, list[bytes]] = {}
    for part in policy.split(b";"):
        words = part.split()
        if words:
            found.setdefault(words[0].lower(), words[1:])
    return found


def _governing(directives: dict[bytes, list[bytes]], names: Sequence[bytes]) -> list[bytes] | None:
    for name in names:
        if name in directives:
            return directives[name]
    return None


def _shut(directives: dict[bytes, list[bytes]]) -> bool:
    """Whether the page is in a sandbox in which scripts do not run, or keep no cookie."""
    sandbox = directives.get(b"sandbox")
    if sandbox is None:
        return False
    allowed = {word.lower() for word in sandbox}
    return not {b"allow-scripts", b"allow-same-origin"} <= allowed


def _connects(directives: dict[bytes, list[bytes]], page: Page) -> bool:
    """Whether a script may send us its report."""
    sources = _governing(directives, (b"connect-src", b"default-src"))
    if sources is None:
        return True
    there = page._replace(script=page.report)
    return any(_matches(source, there) for source in sources)


def _nonces(sources: Sequence[bytes]) -> frozenset[bytes]:
    return frozenset([found[1] for found in map(_NONCE.match, sources) if found is not None])


def _inline(sources: Sequence[bytes]) -> _Allowed | None:
    nonces = _nonces(sources)
    if nonces:
        return _Allowed(False, nonces)
    lower = [source.lower() for source in sources]
    strict = b"'strict-dynamic'" in lower or any(
        source.startswith(b"'nonce-") or _HASH.match(source) is not None for source in lower
    )
    return _Allowed(True, None) if b"'unsafe-inline'" in lower and not strict else None


def _external(sources: Sequence[bytes], page: Page) -> _Allowed | None:
    strict = any(source.lower() == b"'strict-dynamic'" for source in sources)
    if not strict and any(_matches(source, page) for source in sources):
        return _Allowed(True, None)
    nonces = _nonces(sources)
    return _Allowed(False, nonces) if nonces else None


def _matches(source: bytes, page: Page) -> bool:
    """Whether a source expression covers a script of ours on this page's host (CSP Level 3, section 6.7.2.7)."""
    word = source.lower()
    scheme = b"https" if page.secure else b"http"
    if word in (b"'self'", b"*"):
        return True
    if word in (b"http:", scheme + b":"):
        return True  # what is allowed over http is allowed over https
    found = _HOST.match(source)
    if found is None:
        return False
    if found[1] is not None and found[1].lower() not in (b"http", scheme):
        return False
    host, _, port = page.authority.lower().rpartition(b":")
    if not host or not port.isdigit():
        host, port = page.authority.lower(), b""
    named = found[2].lower()
    if named != b"*" and named != host and not (named.startswith(b"*.") and host.endswith(named[1:])):
        return False
    usual = b"443" if page.secure else b"80"
    wanted = found[3]
    if wanted is not None and wanted != b"*" and wanted != (port or usual):
        return False
    if wanted is None and port and port != usual and found[1] is None:
        return False
    path = found[4]
    if not path or path == b"/":
        return True
    return page.script.startswith(path) if path.endswith(b"/") else page.script == path
