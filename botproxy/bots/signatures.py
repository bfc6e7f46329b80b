"""HTTP message signatures (RFC 9421) of bots and of the operator's own clients: reading, signature base, checking.

Everything but the keys is in the request, so nothing here asks anybody. Web Bot Auth is what carries the tag
`web-bot-auth`; its `Signature-Agent` is read in both of its forms, a string and a dictionary.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from botproxy.bots.structured import FieldError, InnerList, Item, joined, parse_dictionary, parse_item
from botproxy.model import Headers, Request

WEB_BOT_AUTH: Final = "web-bot-auth"
MAX_SIGNATURES: Final = 4
_MAX_COMPONENT: Final = 16 * 1024

_AGENT: Final = re.compile(r"(https://[a-z0-9.-]{1,253}(?::[0-9]{1,5})?)/?\Z")
_FIELD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]{1,128}\Z")
_SIGNS_THE_SITE: Final = frozenset(("@authority", "@target-uri"))
_SIGNS_THE_PATH: Final = frozenset(("@path", "@target-uri", "@request-target"))


class Signature(NamedTuple):
    """One signature of a request, well formed and not yet checked. Times in seconds since the epoch."""

    label: str
    components: tuple[Item, ...]
    parameters: str  # `@signature-params`, in its canonical spelling
    value: bytes
    key_id: str
    algorithm: str  # as it says; "" when it does not
    tag: str
    created: int | None
    expires: int | None
    nonce: str
    agent: str  # who signs, as `https://host`; "" when nobody is named, or nobody that could be listed
    covers_agent: bool

    @property
    def covered(self) -> frozenset[str]:
        """The names of what is signed."""
        return frozenset([item.value.text for item in self.components])


def read_signatures(headers: Headers, most: int = MAX_SIGNATURES) -> tuple[Signature, ...]:
    """The signatures of a message, at most so many; what is malformed is none."""
    inputs = headers.index.get(b"signature-input")
    values = headers.index.get(b"signature")
    if inputs is None or values is None:
        return ()
    try:
        described = parse_dictionary(joined(inputs))
        signed = parse_dictionary(joined(values))
    except FieldError:
        return ()
    agents = _agents(headers)
    found: list[Signature] = []
    for label, member in described.items():
        value = signed.get(label)
        if isinstance(member, InnerList) and isinstance(value, Item):
            signature = _signature(label, member, value, agents)
            if signature is not None:
                found.append(signature)
                if len(found) == most:
                    break
    return tuple(found)


def _signature(label: str, member: InnerList, value: Item, agents: dict[str, str]) -> Signature | None:
    raw = value.value.raw()
    if raw is None or any(item.value.kind != "string" for item in member.items):
        return None
    if len({item.serialised() for item in member.items}) != len(member.items):
        return None  # RFC 9421, 2: each component once
    keyed = agents.get(label, "")
    agent = keyed or agents.get("", "")
    covers = False
    for item in member.items:
        if item.value.text == "signature-agent":
            key = item.parameter("key")
            covers = covers or (key is None if not keyed else key is None or key.text == label)
    created, expires = member.parameter("created"), member.parameter("expires")
    return Signature(
        label,
        member.items,
        member.serialised(),
        raw,
        _string(member, "keyid"),
        _string(member, "alg"),
        _string(member, "tag"),
        created.integer() if created is not None else None,
        expires.integer() if expires is not None else None,
        _string(member, "nonce"),
        agent,
        covers and bool(agent),
    )


def _string(member: InnerList, name: str) -> str:
    value = member.parameter(name)
    return value.text if value is not None and value.kind == "string" else ""


def _agents(headers: Headers) -> dict[str, str]:
    """Who signs, by the label of the signature; under "" for all of them, in the older form."""
    values = headers.index.get(b"signature-agent")
    if values is None:
        return {}
    try:
        text = joined(values)
        if text.startswith('"'):
            item = parse_item(text)
            return {"": _listed(item)}
        return {label: _listed(member) for label, member in parse_dictionary(text).items() if isinstance(member, Item)}
    except FieldError:
        return {}


def _listed(item: Item) -> str:
    kind = item.parameter("type")
    if item.value.kind != "string" or (kind is not None and kind.text != "directory"):
        return ""
    found = _AGENT.match(item.value.text)
    return found[1] if found is not None else ""


def signature_base(request: Request, signature: Signature) -> bytes | None:
    """What was signed (RFC 9421, 2.5); None when it covers something that is not there, or is not supported."""
    lines: list[str] = []
    for item in signature.components:
        value = _component(request, item)
        if value is None:
            return None
        lines.append(f"{item.serialised()}: {value}")
    lines.append(f'"@signature-params": {signature.parameters}')
    return "\n".join(lines).encode("ascii")


def _component(request: Request, item: Item) -> str | None:
    name = item.value.text
    try:
        if name.startswith("@"):
            return None if item.parameters else _derived(request, name)
        if _FIELD.match(name) is None:
            return None
        values = request.headers.index.get(name.encode("ascii"))
        if values is None:
            return None
        text = joined(values)
        if not item.parameters:
            return text
        key = item.parameter("key")
        if key is None or key.kind != "string" or len(item.parameters) != 1:
            return None
        member = parse_dictionary(text).get(key.text)
        return None if member is None else member.serialised()
    except (FieldError, UnicodeError):
        return None


def _derived(request: Request, name: str) -> str | None:
    """RFC 9421, 2.2. The target is taken as the client sent it."""
    if name == "@method":
        return request.method.decode("ascii")
    if name == "@authority":
        return _authority(request)
    if name == "@scheme":
        return "https" if request.secure else "http"
    if len(request.target) > _MAX_COMPONENT:
        return None
    target = request.target.decode("ascii")
    if name == "@request-target":
        return target
    if "://" in target.partition("?")[0] and not target.startswith("/"):
        target = "/" + target.partition("://")[2].partition("/")[2]
    path, mark, query = target.partition("?")
    if name == "@path":
        return path or "/"
    if name == "@query":
        return f"?{query}"
    if name == "@target-uri":
        return f"{'https' if request.secure else 'http'}://{_authority(request)}{path or '/'}{mark}{query}"
    return None


def _authority(request: Request) -> str:
    text = request.authority.decode("ascii").lower()
    return text.removesuffix(":443" if request.secure else ":80")


def covers_enough(signature: Signature, own: bool) -> bool:
    """Whether what is signed binds the signature to this site, and to its signer; of the operator's own clients, to the
    method and the path as well."""
    covered = signature.covered
    if not covered & _SIGNS_THE_SITE:
        return False
    return ("@method" in covered and bool(covered & _SIGNS_THE_PATH)) if own else signature.covers_agent


def out_of_time(signature: Signature, now: float, skew: float, longest: float, needs_expiry: bool) -> str:
    """What is wrong with the time of a signature, in words; "" when nothing is."""
    created, expires = signature.created, signature.expires
    if created is None or (expires is None and needs_expiry):
        return "it does not say when it was made and when it ends"
    if created > now + skew:
        return f"it was made {created - now:.0f} s from now"
    if expires is None:
        return f"it was made {now - created:.0f} s ago" if now - created > longest + skew else ""
    if expires <= now - skew:
        return f"it ended {now - expires:.0f} s ago"
    if expires - created > longest:
        return f"it would be good for {expires - created} s"
    return ""


def genuine(algorithm: str, material: bytes | Ed25519PublicKey, base: bytes, value: bytes) -> bool:
    """Whether `value` signs `base` with this key. `algorithm` is the key's own, never what the signature says."""
    if algorithm == "hmac-sha256" and isinstance(material, bytes):
        return hmac.compare_digest(hmac.new(material, base, hashlib.sha256).digest(), value)
    if algorithm != "ed25519":
        return False
    try:
        key = Ed25519PublicKey.from_public_bytes(material) if isinstance(material, bytes) else material
        key.verify(value, base)
    except (InvalidSignature, ValueError):
        return False
    return True


def thumbprint(x: str) -> str:
    """The JWK thumbprint of an Ed25519 key from its `x` (RFC 7638, RFC 8037 A.3), which is its `keyid`."""
    canonical = f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode("ascii")
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode("ascii")
