"""Cookies: sealed tokens, the session (`__cf_bm`), the clearance (`cf_clearance`), and their attributes."""

from botproxy.cookies.clearance import JS_SECONDS, AddressBinding, home, node_number, with_home, with_js, with_level
from botproxy.cookies.domain import check_cookie_domain
from botproxy.cookies.fields import pack_fields, unpack_fields
from botproxy.cookies.header import CLEARANCE_COOKIE, SESSION_COOKIE, read_cookie, set_cookie
from botproxy.cookies.jar import Jar
from botproxy.cookies.keyring import KeyRing, new_secret
from botproxy.cookies.revocations import TOPIC as REVOKED
from botproxy.cookies.revocations import Revocation, Revocations, read_revocation, revocation
from botproxy.cookies.sealing import Sealer
from botproxy.cookies.session import binding as session_binding
from botproxy.cookies.session import renewal_due, renewed, started
from botproxy.cookies.settings import Settings

__all__ = [
    "CLEARANCE_COOKIE",
    "JS_SECONDS",
    "REVOKED",
    "SESSION_COOKIE",
    "AddressBinding",
    "Jar",
    "KeyRing",
    "Revocation",
    "Revocations",
    "Sealer",
    "Settings",
    "check_cookie_domain",
    "home",
    "new_secret",
    "node_number",
    "pack_fields",
    "read_cookie",
    "read_revocation",
    "renewal_due",
    "renewed",
    "revocation",
    "session_binding",
    "set_cookie",
    "started",
    "unpack_fields",
    "with_home",
    "with_js",
    "with_level",
]
