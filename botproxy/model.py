"""The records that travel between the rooms: immutable, typed, without behaviour, without third parties.

Text from the wire is `bytes` everywhere, because the rules language is defined over bytes and nothing that a client
sends has to be valid in any encoding. Records of the request path are named tuples: immutable for real, and the
cheapest to make.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple, final

Address = IPv4Address | IPv6Address


VARIED: Final = frozenset((b"cookie", b"referer", b"x-forwarded-for", b"if-none-match", b"if-modified-since"))
"""Lower-case names of the headers whose values differ from one request of a visitor to the next."""


@final
class Headers:
    """One header block, as received and after headers that are ours were taken out.

    `items` keeps names as the client spelled them, in order; `index` maps the lower-case name to all its values in
    order. `memo` is room for what readers derive from the block alone; it lives as long as the block is remembered,
    and every reader puts a bounded number of entries there, under keys that start with its room's name. `kind` is the
    same for what follows from the names and from the values of all headers but those in `VARIED`: blocks that differ
    in nothing else may share it.
    """

    __slots__ = ("index", "items", "kind", "memo")

    def __init__(
        self,
        items: tuple[tuple[bytes, bytes], ...],
        index: dict[bytes, tuple[bytes, ...]] | None = None,
        kind: dict[str, object] | None = None,
    ) -> None:
        """`index`, where it is known already, belongs to `items`; so does `kind`."""
        if index is None:
            index = {name.lower(): (value,) for name, value in items}
            if len(index) != len(items):
                index = {}
                for name, value in items:
                    key = name.lower()
                    index[key] = (*index[key], value) if key in index else (value,)
        self.items: Final = items
        self.index: Final[Mapping[bytes, tuple[bytes, ...]]] = index
        self.memo: Final[dict[str, object]] = {}
        self.kind: Final[dict[str, object]] = {} if kind is None else kind

    def first(self, name: bytes) -> bytes | None:
        """The first value of the header with this lower-case name, or None."""
        values = self.index.get(name)
        return values[0] if values is not None else None


class Request(NamedTuple):
    """A request whose head was checked and normalised. No byte of it is trusted."""

    ray: str  # 16 hex digits
    received: float  # seconds since the epoch
    method: bytes  # as received, case kept
    target: bytes  # request target as received
    path: bytes  # after normalisation; what rules and origin both get
    query: bytes | None  # without "?"; None when there was no "?"
    version: str  # "HTTP/1.0", "HTTP/1.1", "HTTP/2"
    secure: bool  # https towards the visitor
    authority: bytes  # Host as received
    host: str  # host name alone: lower case, no port, no trailing dot
    headers: Headers
    body_length: int | None  # 0 without a body, None when chunked


class Tls(NamedTuple):
    """What the TLS layer knows of a connection. Empty strings where a fingerprint was not taken."""

    version: str  # "TLSv1.3"
    cipher: str
    ja3: str = ""
    ja4: str = ""
    hello_length: int = 0  # bytes of the ClientHello, without the header of its message
    client_random: bytes = b""  # 32 of the ClientHello
    cipher_suites: bytes = b""  # as offered: two bytes each, the more significant first
    extensions: bytes = b""  # types of those offered, in order, likewise
    server_name: str = ""  # that the client asked for; "" without one


class Place(NamedTuple):
    """Where an address is, as far as the operator's databases know. None means missing."""

    asn: int | None = None
    country: str | None = None
    continent: str | None = None
    city: str | None = None
    region: str | None = None
    region_code: str | None = None
    postal_code: str | None = None
    metro_code: str | None = None
    latitude: str | None = None
    longitude: str | None = None
    timezone: str | None = None
    subdivision_1: str | None = None
    subdivision_2: str | None = None
    is_eu: bool | None = None


class Cloud(NamedTuple):
    """In whose published ranges an address is. `provider` is "" where it is in nobody's."""

    provider: str = ""  # "aws"
    hosting: bool = False  # programs live there, and people do not


class Client(NamedTuple):
    """Who is calling, once forwarded headers of listed peers have been honoured."""

    address: Address  # never an IPv4-mapped IPv6 address
    text: str  # the same in canonical text
    port: int
    peer: str  # text of the address at the other end of the connection
    tls: Tls | None = None
    place: Place | None = None
    peer_bot_score: int = 0  # that a listed peer gave, 1 to 99; 0 when none did
    here: Address | None = None  # our end of the connection; None where it has none, as on a local socket
    here_port: int = 0
    http2: str = ""  # fingerprint of how HTTP/2 began on this connection (`proxy.http2.fingerprint`); "" without HTTP/2
    cloud: Cloud | None = None  # None where no ranges of clouds were loaded


class ClearanceLevel(IntEnum):
    """What a solved challenge is worth; a higher one passes a lower demand."""

    NONE = 0
    NO_JS = 1  # a form, by a browser without JavaScript; passes nothing but what the operator opens to it
    JS = 2
    MANAGED = 3
    INTERACTIVE = 4


class Session(NamedTuple):
    """What `__cf_bm` says, once opened. Times in seconds since the epoch."""

    id: str
    issued: float
    seen: float
    highest: int  # highest score of the session so far; 0 when none was computed
    bound: bytes = b""  # whose score that was (`cookies.session_binding`); b"" when that is not known


class Clearance(NamedTuple):
    """What `cf_clearance` says, once opened and found to be bound to this visitor."""

    level: ClearanceLevel
    expires: float  # of the level
    js_passed: bool | None
    js_expires: float
    ray: str  # of the request whose challenge was solved
    issued: float = 0.0  # when the level was given
    node: int = 0  # the only node that takes the level (`cookies.node_number`); 0: every one
    homes: tuple[bytes, ...] = ()  # where it holds: packed addresses or networks, one of each family; (): everywhere


class ScoreSource(Enum):
    """Logpush `BotScoreSrc`; reference section 1.2."""

    NOT_COMPUTED = "Not Computed"
    HEURISTICS = "Heuristics"
    MACHINE_LEARNING = "Machine Learning"
    BEHAVIORAL_ANALYSIS = "Behavioral Analysis"
    VERIFIED_BOT = "Verified Bot"
    JS_FINGERPRINTING = "JS Fingerprinting"
    CLOUDFLARE_SERVICE = "Cloudflare Service"


class Detection(NamedTuple):
    """One fingerprint that matched."""

    id: int
    tag: str
    reason: str


class Finding(NamedTuple):
    """What one engine says of one request. An engine without an opinion gives None instead."""

    source: ScoreSource
    score: int  # 1 to 99
    detections: tuple[Detection, ...] = ()


class Score(NamedTuple):
    """The bot score: 1 surely automated, 99 surely human, 0 not computed; and everything said on the way there."""

    value: int
    source: ScoreSource
    findings: tuple[Finding, ...] = ()
    lift: int = 0  # points of `value` that the session's earlier scores lent


class VerifiedBot(NamedTuple):
    """A bot whose claim was verified."""

    name: str
    category: str
    signed_agent: bool = False
    tags: tuple[str, ...] = ()


class BotClaim(NamedTuple):
    """A bot that a request says it is, verified or not."""

    name: str
    category: str  # the words of `VerifiedBot.category`
    status: str  # "verified", "refused" (it is not that bot), or "unverified" (nobody can tell, or not yet)
    ai_purpose: str = ""  # "search", "agent" or "training", when a setting for artificial intelligence means it
    disobeys_robots: bool = False  # it says that it obeys robots.txt, which asks it not to come here


class BotManagement(NamedTuple):
    """What the fields `cf.bot_management.*` read."""

    score: Score
    verified_bot: VerifiedBot | None = None
    js_passed: bool | None = None  # None before the first report
    corporate_proxy: bool = False
    claim: BotClaim | None = None


class Body(NamedTuple):
    """What there is of a request's body when it is judged: its beginning, as much as rules need and the site allows."""

    raw: bytes  # as sent, no transfer coding around it
    truncated: bool  # the body has more bytes than `raw`
    size: int | None  # bytes of the whole body; None while they are not known


class ResponseFacts(NamedTuple):
    """What is known of the answer to a request, for what counts or logs it afterwards."""

    status: int  # sent to the visitor
    headers: Headers
    content_type: bytes = b""  # value of the header, parameters and all
    error_type: str = ""  # when the answer is our own: "waf", "managed_challenge", "ratelimit", "ip_ban", "5xx"
    origin_ms: int | None = None  # until the origin's response head; None when it was not asked


class Behaviour(NamedTuple):
    """What one address or one session did lately, the request that asks not included.

    Figures without another unit are numbers of requests that fade: each counts 1 at first and half as much every five
    minutes, so a caller who asks at an even pace stands at about 433 times its requests a second. All that is counted
    in one worker is there at once, what others counted within a quarter of a second each way. -1.0 where nothing is
    known yet.
    """

    age: float = 0.0  # seconds since it was first seen, as far as it is remembered
    idle: float = -1.0  # seconds since its last request
    requests: float = 0.0
    burst: float = 0.0  # the same, fading by half every five seconds
    pages: float = 0.0  # answers that were HTML
    subresources: float = 0.0  # images, style, scripts, fonts and the like
    steps: float = 0.0  # gaps between requests that were not for such: how many the next two are made of
    gap_mean: float = -1.0  # seconds
    gap_deviation: float = -1.0  # seconds; a clock has 0
    client_errors: float = 0.0  # answers of 400 to 499
    server_errors: float = 0.0  # answers of 500 and more
    logins: float = 0.0  # POST to paths that look like a place to log in
    login_failures: float = 0.0  # those of them that seem to have failed
    challenged: float = 0.0  # challenges handed out
    challenges_failed: float = 0.0
    challenges_solved: float = 0.0
    scripts: float = 0.0  # pages that carried the script of JavaScript detections
    reports: float = 0.0  # what those scripts sent back
    followed: float = 0.0  # pages whose Referer is a page of the same site that this caller was given before
    strayed: float = 0.0  # pages after the first whose Referer is none, or was never given
    automated: float = 0.0  # requests that were scored below 30
    paths: float = 0.0  # different ones, in the last quarter to half of an hour; so are the next three
    hosts: float = 0.0
    user_agents: float = 0.0
    peers: float = 0.0  # sessions of an address, addresses of a session


class Crowd(NamedTuple):
    """What all did lately who share a network, a fingerprint, or the path asked for; as in `Behaviour`."""

    requests: float = 0.0
    pages: float = 0.0
    client_errors: float = 0.0
    logins: float = 0.0
    login_failures: float = 0.0
    solved: float = 0.0  # challenges
    automated: float = 0.0  # requests that were scored below 30
    addresses: float = 0.0  # different ones, in the last quarter to half of an hour; so are the next two
    user_agents: float = 0.0
    paths: float = 0.0


class Ja4Signals(NamedTuple):
    """How a JA4 compares with the others that this proxy saw in the last hour; reference section 9."""

    h2h3_ratio_1h: float  # ratios and quantiles from 0 to 1
    heuristic_ratio_1h: float
    browser_ratio_1h: float
    cache_ratio_1h: float
    uas_rank_1h: int  # ranks from 1; the first has most
    paths_rank_1h: int
    reqs_rank_1h: int
    ips_rank_1h: int
    reqs_quantile_1h: float
    ips_quantile_1h: float


class Profile(NamedTuple):
    """What is known of a caller from before this request. Who was never seen has the defaults of `Behaviour`."""

    address: Behaviour = Behaviour()
    session: Behaviour | None = None  # None without a session cookie
    network: Crowd = Crowd()  # /24 of IPv4, /48 of IPv6
    ja4: Crowd | None = None  # None without TLS
    headers: Crowd = Crowd()  # of who sends the same headers in the same order; see `traffic.header_fingerprint`
    path: Crowd = Crowd()  # of the site and path asked for, whoever asks
    signals: Ja4Signals | None = None  # None where too little is known of the JA4
    visitor: Behaviour = Behaviour()
    """The caller apart from others at its address: who asks from there with this User-Agent, or its session, where
    several do and the session has a past of its own."""


class Facts(NamedTuple):
    """Everything that engines and rules may read about one request.

    `bot_management` is None before scoring, and also when scoring failed; the two differ in `scoring_failed`. `memo`
    holds derived values for this request alone (keys start with the reader's room). `body` is there when some rule
    reads it, `response` once there is one, `profile` when something reads that.
    """

    request: Request
    client: Client
    zone: str
    static_resource: bool
    session: Session | None
    clearance: Clearance | None
    memo: dict[str, object]
    bot_management: BotManagement | None = None
    scoring_failed: bool = False
    body: Body | None = None
    response: ResponseFacts | None = None
    profile: Profile | None = None
    short_referer: bool = False  # the site asks browsers to leave out of Referer where they are


class Action(Enum):
    """What a rule asks for, under the names of the original's API; the last two are what a hook did."""

    BLOCK = "block"
    JS_CHALLENGE = "js_challenge"
    MANAGED_CHALLENGE = "managed_challenge"
    CHALLENGE = "challenge"
    SKIP = "skip"
    LOG = "log"
    ALLOW = "allow"
    ANSWER = "answer"  # of a hook: it answered the visitor itself
    REWRITE = "rewrite"  # of a hook: it changed headers


class RuleMatch(NamedTuple):
    """A rule that matched, in the order in which it did. `source` is a Logpush `SecuritySources` word."""

    rule_id: str
    description: str
    action: Action
    source: str = "firewallCustom"
    bypassed: bool = False  # a challenge that a sufficient clearance had already passed


class BlockResponse(NamedTuple):
    """What a blocked visitor gets instead of the usual page."""

    status: int  # 400 to 499
    content_type: bytes  # empty: the usual page, with this status
    body: bytes


class Disposition(Enum):
    """What happens to the request."""

    FORWARD = "forward"
    BLOCK = "block"
    CHALLENGE = "challenge"


class Verdict(NamedTuple):
    """What the rules decided. In `observe` mode it is recorded and the request is forwarded all the same."""

    disposition: Disposition
    level: ClearanceLevel  # that a challenge demands; NONE otherwise
    matches: tuple[RuleMatch, ...]
    unevaluated: int  # rules passed over because the facts they use are missing after a failure
    block: BlockResponse | None = None  # of a block that has an answer of its own
    shadows: tuple[RuleMatch, ...] = ()  # rules in shadow mode that matched: nothing of it was done
    retry_after: int = 0  # seconds after which a request over its limit would pass; 0 when there is no such time


class Ending(Enum):
    """How an exchange ended."""

    FINISHED = "finished"
    CLIENT_LEFT = "client_left"
    ORIGIN_FAILED = "origin_failed"
    REFUSED = "refused"
    DRAINED = "drained"


class Outcome(NamedTuple):
    """What was done with a request, known only once it is over. Durations in seconds."""

    status: int  # sent to the visitor; 0 when nothing was
    request_bytes: int  # head and body received
    response_bytes: int  # head and body sent
    body_bytes: int
    content_type: bytes
    origin: str  # "host:port" or path of the socket; "" when none was asked
    origin_status: int  # 0 when none answered
    origin_seconds: float  # until its response head was complete
    first_byte_seconds: float
    seconds: float  # whole exchange
    ending: Ending
    detail: str = ""  # private: why it failed
    referrer_policy: bytes = b""  # of the answer


IMPORTED: Final = "imported"
"""The mode of an event that was made of a line of another server's log."""


class Event(NamedTuple):
    """One request, always recorded. Columns become Logpush `http_requests` names in `telemetry` (section 10.3).

    Text is `str` that every encoder accepts: wire bytes are read as UTF-8 with replacement.
    """

    ray: str
    start: float  # seconds since the epoch
    end: float
    zone: str
    mode: str  # "observe", "enforce", or `IMPORTED`
    client_ip: str
    client_port: int
    client_country: str
    client_asn: int
    client_ssl_protocol: str
    client_ssl_cipher: str
    ja3: str
    ja4: str
    method: str
    scheme: str
    host: str
    path: str
    query: str  # values redacted unless the operator asked otherwise
    protocol: str
    user_agent: str
    referer: str
    x_requested_with: str
    request_bytes: int
    status: int
    response_bytes: int
    body_bytes: int
    content_type: str
    first_byte_ms: int
    origin: str
    origin_status: int
    origin_ms: int
    score: int
    score_source: str
    score_group: str
    detection_ids: tuple[int, ...]
    detection_tags: tuple[str, ...]
    reasons: tuple[str, ...]
    bot_tags: tuple[str, ...]
    verified_bot_category: str
    js_detection: str  # "passed", "failed", "missing"
    static_resource: bool
    session: str
    actions: tuple[str, ...]  # Logpush words, aligned with the next two
    rule_ids: tuple[str, ...]
    sources: tuple[str, ...]
    action: str  # what was done in the end; "unknown" when no rule said anything
    would: str  # what would have been done, in observe mode; "" otherwise
    rule_id: str
    rule_description: str
    originator_ray: str  # of the request that issued the challenge which this one solves
    scoring_failed: bool
    unevaluated: int
    ending: str
    detail: str
    shadow_actions: tuple[str, ...] = ()  # what rules in shadow mode would have done, aligned with the next
    shadow_rule_ids: tuple[str, ...] = ()
    peer_bot_score: int = 0  # that a listed peer in front gave; 0 when none did
    http2_fingerprint: str = ""  # in the notation of Akamai's paper; "" without HTTP/2
    cloud: str = ""  # provider in whose published ranges the address is; "" for none, and where none were loaded
    hosting: bool = False  # that provider's programs live there
    score_lift: int = 0  # points of the score that the session's earlier ones lent
    features: str = ""  # what the model was asked, as `scoring.asked` writes it; "" where that was not kept
    header_fingerprint: str = ""  # see `traffic.header_fingerprint`; "" of a request that no engine scored
    shadow_detection_ids: tuple[int, ...] = ()  # of fingerprints that the zone only watches
    shadow_score: int = 0  # by the model on trial, which decides nothing; 0 where it was not asked


for _enumeration in (ClearanceLevel, ScoreSource, Action, Disposition, Ending):
    # Python 3.11 finds each member through a property of its own, which takes ten times as long as in later versions.
    for _name, _member in _enumeration.__members__.items():
        type.__setattr__(_enumeration, _name, _member)
