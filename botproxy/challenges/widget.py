"""The widget for forms: work for a visitor's browser, a token for the form, and whether a token is good.

The contract is that of the original's Turnstile (reference section 6): tokens of at most 2,048 characters that count
once, for 300 seconds. A ticket is what the browser works on; a token is what the form carries. Both are sealed for the
zone, each for its own purpose, so that neither passes for the other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv4Address, ip_address
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl
from uuid import UUID

import orjson

from botproxy.challenges.puzzle import solved
from botproxy.challenges.settings import Settings
from botproxy.cookies import Sealer
from botproxy.model import Address
from botproxy.rules.multipart import boundary_of, parts

TICKET_PURPOSE: Final = "widget-ticket"
TOKEN_PURPOSE: Final = "widget-token"  # noqa: S105 - no password

LIFETIME: Final = 300.0
"""Seconds that a token counts."""

MAX_TOKEN: Final = 2048
"""Characters of a token."""

BODY_LIMIT: Final = 16 * 1024
SOLUTION_LIMIT: Final = 32 * 1024
"""Bytes of any body that the widget's addresses read."""

_VERSION: Final = 1
_SKEW: Final = 60_000
_ACTION: Final = re.compile(r"[A-Za-z0-9_-]{0,32}\Z")
_CDATA: Final = re.compile(r"[A-Za-z0-9_-]{0,255}\Z")


class Wish(NamedTuple):
    """What a widget asks to begin."""

    key: str
    action: str
    cdata: str
    language: str  # as in Accept-Language, or ""


class Work(NamedTuple):
    """What a ticket says. Times in milliseconds since the epoch."""

    key: str
    host: str
    action: str
    cdata: str
    nonce: bytes  # 16 random bytes
    issued: int
    difficulty: int
    puzzles: int
    minimum: int
    budget: int
    click: bool
    address: str  # of who asked, packed in hexadecimal


class Token(NamedTuple):
    """What a token says. Times in milliseconds since the epoch."""

    key: str
    host: str
    action: str
    cdata: str
    nonce: bytes
    solved: int
    click: bool
    address: str
    detection: str  # of JavaScript detections: passed, failed or missing


def read_wish(body: bytes) -> Wish | None:
    """`{"sitekey": …, "action": …, "cdata": …, "language": …}`; all but the first may be left out. None for others."""
    fields = _object(body)
    if fields is None:
        return None
    said = [fields.get(name, "") for name in ("sitekey", "action", "cdata", "language")]
    if not all(isinstance(each, str) for each in said):
        return None
    wish = Wish(*said)
    if not wish.key or not _ACTION.match(wish.action) or not _CDATA.match(wish.cdata) or len(wish.key) > 64:
        return None
    return wish


def work(settings: Settings, wish: Wish, *, host: str, nonce: bytes, now: float, click: bool, address: Address) -> Work:
    """What a visitor with this wish has to do."""
    return Work(
        wish.key,
        host,
        wish.action,
        wish.cdata,
        nonce,
        int(now * 1000),
        settings.difficulty,
        settings.puzzles,
        settings.minimum,
        int(settings.time_budget * 1000),
        click,
        address.packed.hex(),
    )


def seal(sealer: Sealer, record: Work | Token) -> str:
    """The text that travels."""
    return sealer.seal(orjson.dumps([_VERSION, *[each.hex() if isinstance(each, bytes) else each for each in record]]))


def _open(sealer: Sealer, text: str, fields: int) -> list[Any] | None:
    payload = sealer.open(text.encode("ascii")) if text.isascii() else None
    if payload is None:
        return None
    values = orjson.loads(payload)
    if not isinstance(values, list) or len(values) != fields + 1 or values[0] != _VERSION:
        return None
    values[5] = bytes.fromhex(values[5])  # the nonce, in tickets and tokens alike
    return values[1:]


class Failure(NamedTuple):
    """Why a solution gives no token; `wait` is after how many seconds an early one may be handed in again."""

    reason: str
    wait: float = 0.0


def judge(sealer: Sealer, body: bytes, *, lifetime: float, now: float, host: str, address: Address) -> Work | Failure:
    """Judge `{"ticket": …, "answer": …, "clicked": …, "report": …}`, but for the report.

    What counts still has to be burned: `nonce`.
    """
    fields = _object(body)
    ticket, answer = (fields.get("ticket"), fields.get("answer")) if fields is not None else (None, None)
    if fields is None or not isinstance(ticket, str) or not isinstance(answer, str):
        return Failure("malformed")
    opened = _open(sealer, ticket, len(Work._fields))
    if opened is None:
        return Failure("forged")
    given = Work(*opened)
    moment = int(now * 1000)
    elapsed = moment - given.issued
    if elapsed >= lifetime * 1000 or elapsed < -_SKEW:
        return Failure("expired")
    if given.host != host:
        return Failure("host")
    if given.click and fields.get("clicked") is not True:
        return Failure("click")
    count = solved(given.nonce, given.difficulty, given.puzzles, answer)
    if count is None or count < given.minimum:
        return Failure("work")
    if count < given.puzzles and elapsed < given.budget:
        return Failure("early", (given.budget - elapsed) / 1000)
    # Whoever solved it may have got another address meanwhile: the token carries that one.
    return given._replace(address=address.packed.hex())


def report_of(body: bytes) -> bytes:
    """The report of JavaScript detections that was handed in with a solution; empty without one."""
    fields = _object(body)
    report = fields.get("report") if fields is not None else None
    return report.encode("utf-8", "replace") if isinstance(report, str) else b""


def token(passed: Work, nonce: bytes, now: float, detection: str) -> Token:
    """What the form carries. `nonce` is 16 fresh random bytes."""
    return Token(
        passed.key,
        passed.host,
        passed.action,
        passed.cdata,
        nonce,
        int(now * 1000),
        passed.click,
        passed.address,
        detection,
    )


class Question(NamedTuple):
    """What a server asks siteverify."""

    secret: str
    response: str
    remoteip: str
    idempotency_key: str  # a UUID in its usual spelling, or ""


def secret_hash(secret: str) -> str:
    """By which a secret is known; it is random and long, so that nothing slower is needed."""
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def read_question(content_type: bytes, body: bytes) -> Question | None:
    """A question in a form, in several parts or in JSON; None for what is none of these, or says something twice."""
    kind = content_type.partition(b";")[0].strip().lower()
    if kind == b"application/json":
        fields = _object(body)
    elif kind == b"application/x-www-form-urlencoded":
        fields = _form(body)
    else:
        boundary = boundary_of(content_type) if kind == b"multipart/form-data" else None
        fields = None if boundary is None else _parts(body, boundary)
    if fields is None:
        return None
    said: list[str] = []
    for name in Question._fields:
        value = fields.get(name)
        if value is None:
            value = ""
        if not isinstance(value, str):
            return None
        said.append(value)
    question = Question(*said)
    if question.idempotency_key:
        try:
            return question._replace(idempotency_key=str(UUID(question.idempotency_key)))
        except ValueError:
            return None
    return question


def _form(body: bytes) -> dict[str, Any] | None:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=32, errors="replace")
    except ValueError:
        return None
    return dict(pairs) if len(dict(pairs)) == len(pairs) else None


def _parts(body: bytes, boundary: bytes) -> dict[str, Any] | None:
    fields: dict[str, Any] = {}
    for part in parts(body, boundary)[:32]:
        if len(part.names) == 1:
            name = part.names[0].decode("utf-8", "replace")
            if name in fields:
                return None
            fields[name] = part.value.decode("utf-8", "replace")
    return fields or None


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None


def open_token(sealer: Sealer, text: str, key: str, now: float) -> Token | str:
    """What a token says, or the error code of what is wrong with it. It still has to be burned."""
    if len(text) > MAX_TOKEN:
        return "invalid-input-response"
    opened = _open(sealer, text, len(Token._fields))
    if opened is None:
        return "invalid-input-response"
    said = Token(*opened)
    age = int(now * 1000) - said.solved
    if said.key != key or age < -_SKEW:
        return "invalid-input-response"
    return said if age < LIFETIME * 1000 else "timeout-or-duplicate"


def same_address(said: Token, remoteip: str, strictness: str) -> bool:
    """Whether the address that a server names is that of who solved it, as strictly as the key asks."""
    if strictness == "none" or not remoteip:
        return True
    try:
        address = ip_address(remoteip.strip())
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    packed = (mapped or address).packed.hex()
    if strictness == "exact" or len(packed) != len(said.address):
        return packed == said.address
    length = 6 if isinstance(mapped or address, IPv4Address) else 16
    return packed[:length] == said.address[:length]


def verified(said: Token) -> dict[str, Any]:
    """What siteverify says of a token that is good."""
    when = datetime.fromtimestamp(said.solved / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "success": True,
        "error-codes": [],
        "challenge_ts": when,
        "hostname": said.host,
        "action": said.action,
        "cdata": said.cdata,
        "metadata": {"interactive": said.click, "js_detection": said.detection},
    }


def refused(*codes: str) -> dict[str, Any]:
    """What siteverify says otherwise."""
    return {"success": False, "error-codes": list(codes), "messages": []}
