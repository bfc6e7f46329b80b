"""What a record does not tell, and what can be said of an expression all the same.

A condition on something that is not recorded is neither true nor false. An expression with such conditions is taken
twice: as if all of them turned out against it, and as if all turned out for it. Where both say the same it is known.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from botproxy.model import IMPORTED
from botproxy.rules import FIELDS, Expression
from botproxy.rules.caller_fields import CALLER_FIELD_NAMES
from botproxy.rules.tree import Access, Argument, Call, Compare, Field, Literal, Logic, LogicOp, Node, Not, Quantified
from botproxy.rules.tree import Truth as Alone
from botproxy.simulation.facts import BODILESS
from botproxy.simulation.recorded import CLAIMED, Recorded


class Gap:
    """What can be missing from a record: bits of a whole number, which is asked for every request."""

    HEADERS: Final = 1  # all but Host, User-Agent, Referer and X-Requested-With
    CALLERS: Final = 2  # what callers did lately
    PLACE: Final = 4  # more of a place than country and ASN
    CONNECTION: Final = 8  # TLS in more detail than version, cipher and fingerprints; the server's end
    RAW: Final = 16  # the target before it was normalised
    CLAIMS: Final = 32  # the bot that a request says it is, signed agents, corporate proxies
    BODY: Final = 64
    QUERY: Final = 128  # values of the query
    REFERER: Final = 256  # values of the Referer's query
    ADDRESS: Final = 512  # it was truncated or hashed
    RESPONSE: Final = 1024  # headers of the answer
    RATES: Final = 2048  # the requests beside it: a sample was stored
    TLS: Final = 4096  # whether there was any, its version, cipher and fingerprints, and how HTTP/2 began
    HOST: Final = 8192
    AGENT: Final = 16384  # User-Agent
    REQUESTED: Final = 32768  # X-Requested-With
    CALLED: Final = 131072  # of what callers did lately, what a log tells: how much, how fast, with which answers
    VERIFIED: Final = 65536  # whether it is the bot that it says it is


WORDS: Final = {
    Gap.HEADERS: "headers other than Host, User-Agent, Referer and X-Requested-With",
    Gap.CALLERS: "what callers did lately",
    Gap.CALLED: "how often callers came lately",
    Gap.PLACE: "places beyond country and ASN",
    Gap.CONNECTION: "details of TLS and of the connection",
    Gap.RAW: "the target before it was normalised",
    Gap.CLAIMS: "claims to be a bot, signed agents, corporate proxies",
    Gap.BODY: "bodies",
    Gap.QUERY: "values of the query",
    Gap.REFERER: "values in the Referer's query",
    Gap.ADDRESS: "addresses that were truncated or hashed",
    Gap.RESPONSE: "headers of the answer",
    Gap.RATES: "rates, of which a sample was stored",
    Gap.TLS: "the connection's TLS and fingerprints",
    Gap.HOST: "the host",
    Gap.AGENT: "the User-Agent",
    Gap.REQUESTED: "X-Requested-With",
    Gap.VERIFIED: "whether who says that it is a bot is that bot",
}
"""For people."""

ALWAYS: Final = (
    Gap.HEADERS | Gap.CALLERS | Gap.CALLED | Gap.PLACE | Gap.CONNECTION | Gap.RAW | Gap.CLAIMS | Gap.RESPONSE
)
"""What no record tells."""

UNLOGGED: Final = Gap.TLS | Gap.HOST | Gap.REQUESTED
"""What a line of another server's log does not tell either."""

RECORDED_HEADERS: Final = {
    b"host": Gap.HOST,
    b"user-agent": Gap.AGENT,
    b"referer": Gap.REFERER,
    b"x-requested-with": Gap.REQUESTED,
}

_FIELDS: Final[dict[str, int]] = {
    "http.cookie": Gap.HEADERS,
    "http.x_forwarded_for": Gap.HEADERS,
    "http.request.cookies": Gap.HEADERS,
    "http.request.accepted_languages": Gap.HEADERS,
    "http.request.headers": Gap.HEADERS,
    "http.request.headers.names": Gap.HEADERS,
    "http.request.headers.values": Gap.HEADERS,
    "botproxy.header_fingerprint": Gap.HEADERS,
    "http.referer": Gap.REFERER,
    "cf.bot_management.verified_bot": Gap.VERIFIED,
    "cf.client.bot": Gap.VERIFIED,
    "cf.verified_bot_category": Gap.VERIFIED,
    "http.host": Gap.HOST,
    "http.user_agent": Gap.AGENT,
    "ssl": Gap.TLS,
    "cf.tls_version": Gap.TLS,
    "cf.tls_cipher": Gap.TLS,
    "cf.bot_management.ja3_hash": Gap.TLS,
    "cf.bot_management.ja4": Gap.TLS,
    "botproxy.http2": Gap.TLS,
    # Of fingerprints, which are asked of what is imported.
    "botproxy.header_order": Gap.HEADERS,
    "botproxy.browser": Gap.AGENT,
    "botproxy.browser_major": Gap.AGENT,
    "botproxy.platform": Gap.AGENT,
    "botproxy.tls_client": Gap.TLS,
    "botproxy.tls_fit": Gap.TLS | Gap.AGENT,
    "botproxy.http2_client": Gap.TLS,
    "botproxy.http2_fit": Gap.TLS | Gap.AGENT,
    "http.request.full_uri": Gap.QUERY | Gap.HOST | Gap.TLS,
    "http.request.uri": Gap.QUERY,
    "http.request.uri.query": Gap.QUERY,
    "http.request.uri.args": Gap.QUERY,
    "http.request.uri.args.names": Gap.QUERY,
    "http.request.uri.args.values": Gap.QUERY,
    "ip.src": Gap.ADDRESS,
    "cf.bot_management.corporate_proxy": Gap.CLAIMS,
    "cf.bot_management.signed_agent": Gap.HEADERS,
    "cf.edge.server_ip": Gap.CONNECTION,
    "cf.edge.server_port": Gap.CONNECTION,
    "cf.tls_client_hello_length": Gap.CONNECTION,
    "cf.tls_client_random": Gap.CONNECTION,
    "cf.tls_ciphers_sha1": Gap.CONNECTION,
    "cf.tls_client_extensions_sha1": Gap.CONNECTION,
    "cf.tls_client_extensions_sha1_le": Gap.CONNECTION,
    "cf.random_seed": Gap.CONNECTION,
    "http.request.timestamp.msec": Gap.CONNECTION,
    "http.response.headers": Gap.RESPONSE,
    "http.response.headers.names": Gap.RESPONSE,
    "http.response.headers.values": Gap.RESPONSE,
    "raw.http.response.headers": Gap.RESPONSE,
    "raw.http.response.headers.names": Gap.RESPONSE,
    "raw.http.response.headers.values": Gap.RESPONSE,
    "cf.response.error_type": Gap.RESPONSE,
    "cf.timings.origin_ttfb_msec": Gap.RESPONSE,
}
_CALLED: Final = frozenset(
    (
        *(
            f"botproxy.address.{name}"
            for name in (
                *("age", "requests", "burst", "gap_msec", "gap_percent", "client_errors", "server_errors"),
                *("logins", "paths", "hosts", "user_agents"),
            )
        ),
        *(
            f"botproxy.{whose}.{name}"
            for whose in ("network", "path")
            for name in ("requests", "client_errors", "logins", "addresses", "user_agents", "paths")
        ),
    )
)
_KNOWN_PLACES: Final = frozenset(("ip.src", "ip.src.asnum", "ip.src.country"))
_PREFIXES: Final = (
    ("http.request.body.", Gap.BODY),
    ("raw.http.request.", Gap.RAW),
    ("botproxy.bot.", Gap.CLAIMS),
)


def field_gap(name: str) -> int:
    """What has to be known for this field to be."""
    gap = _FIELDS.get(name)
    if gap is not None:
        return gap
    if name in CALLER_FIELD_NAMES:
        return Gap.CALLED if name in _CALLED else Gap.CALLERS
    if name.startswith("ip.src.") and name not in _KNOWN_PLACES:
        return Gap.PLACE
    return next((gap for prefix, gap in _PREFIXES if name.startswith(prefix)), 0)


def gap_of(node: Node | Argument) -> int:
    """What has to be known for this part of an expression to be."""
    if isinstance(node, Literal):
        return 0
    if isinstance(node, Access):
        base = node.base
        if isinstance(base, Field):
            if base.name == "http.request.headers" and node.path:
                return _header_gap(node.path[0])
            return field_gap(base.name)
        return _call_gap(base)
    if isinstance(node, Compare | Alone):
        return gap_of(node.subject)
    if isinstance(node, Not | Quantified):
        return gap_of(node.item)
    return _joined(node.items)


def _joined(nodes: tuple[Node | Argument, ...]) -> int:
    found = 0
    for node in nodes:
        found |= gap_of(node)
    return found


def _header_gap(name: object) -> int:
    return RECORDED_HEADERS.get(name, Gap.HEADERS) if isinstance(name, bytes) else Gap.HEADERS


def _call_gap(call: Call) -> int:
    arguments = call.arguments
    if call.function == "has_key" and len(arguments) == 2:
        subject, key = arguments
        if (
            isinstance(subject, Access)
            and not subject.path
            and isinstance(subject.base, Field)
            and subject.base.name == "http.request.headers"
            and isinstance(key, Literal)
        ):
            return _header_gap(key.value)
    return _joined(arguments)


def gaps(recorded: Recorded) -> int:
    """What this record does not tell."""
    missing = ALWAYS
    if recorded.method not in BODILESS:
        missing |= Gap.BODY
    query = recorded.query
    if query and "*" in query and _redacted(query):
        missing |= Gap.QUERY
    referer = recorded.referer
    if referer and "*" in referer and _redacted(referer.partition("?")[2]):
        missing |= Gap.REFERER
    if _masked(recorded.client_ip):
        missing |= Gap.ADDRESS
    if recorded.sample_interval > 1:
        missing |= Gap.RATES
    if recorded.mode == IMPORTED:
        missing |= UNLOGGED
        if recorded.detail.startswith(CLAIMED):
            missing |= Gap.VERIFIED
        if not recorded.user_agent:
            missing |= Gap.AGENT
        if not referer:
            missing |= Gap.REFERER
    return missing


def _masked(address: str) -> bool:
    """Whether this can be a network instead of an address, or a stand-in for one (`telemetry.privacy`)."""
    return not address or address.endswith((".0", "::")) or address.startswith("2001:db8:")


def _redacted(query: str) -> bool:
    return any(part == "*" or part.endswith("=*") for part in query.split("&"))


_CONSTANT: Final = FIELDS.fields["cf.edge.client_tcp"]  # always true
_TRUE: Final = Alone(Access(Field(_CONSTANT.name, _CONSTANT.type), (), _CONSTANT.type, 0))
_FALSE: Final = Not(_TRUE)
_MOST_XOR: Final = 4


def _taken(node: Node, missing: int, otherwise: bool, negated: bool) -> Node | bool:
    """The part with every condition on something missing replaced by `otherwise`; `negated` when it is to be denied."""
    gap = gap_of(node) & missing
    if not gap:
        return Not(node) if negated else node
    if isinstance(node, Not):
        return _taken(node.item, missing, otherwise, not negated)
    if isinstance(node, Logic):
        items = node.items
        if node.op is LogicOp.XOR:
            if len(items) > _MOST_XOR:
                return otherwise
            return _taken(_spelt_out(items), missing, otherwise, negated)
        conjunction = (node.op is LogicOp.AND) != negated
        kept: list[Node] = []
        for item in items:
            part = _taken(item, missing, otherwise, negated)
            if isinstance(part, bool):
                if part is not conjunction:
                    return part
            else:
                kept.append(part)
        if not kept:
            return conjunction
        return kept[0] if len(kept) == 1 else Logic(LogicOp.AND if conjunction else LogicOp.OR, tuple(kept))
    return otherwise


def _spelt_out(items: tuple[Node, ...]) -> Node:
    """`a xor b xor …` with `and`, `or` and `not` alone."""
    first, *rest = items
    for other in rest:
        first = Logic(LogicOp.OR, (Logic(LogicOp.AND, (first, Not(other))), Logic(LogicOp.AND, (Not(first), other))))
    return first


class Known(NamedTuple):
    """An expression where something is missing: `surely` is true when it is true whatever that is, `possibly` when it
    can be."""

    surely: Expression
    possibly: Expression
    exact: bool  # both are the expression itself


def known(expression: Expression, missing: int) -> Known:
    """What can be said of an expression where this is missing."""
    if not gap_of(expression.tree) & missing:
        return Known(expression, expression, True)
    return Known(_made(expression, missing, False), _made(expression, missing, True), False)


def _made(expression: Expression, missing: int, otherwise: bool) -> Expression:
    tree = _taken(expression.tree, missing, otherwise, False)
    if isinstance(tree, bool):
        tree = _TRUE if tree else _FALSE
    return Expression(expression.text, tree, expression.scheme)


def never(expression: Expression) -> bool:
    """Whether this is what `known` makes of an expression that cannot be sure."""
    return expression.tree == _FALSE
