"""Signing requests as bots do, and requests to sign."""

from __future__ import annotations

import base64
import hashlib
import hmac
from ipaddress import ip_address

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from botproxy.bots.signatures import Signature, read_signatures, signature_base, thumbprint
from botproxy.model import Client, Facts, Headers, Request, Tls

NOW = 1_800_000_000.0


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Signer:
    """A key pair."""

    def __init__(self, private: Ed25519PrivateKey | None = None) -> None:
        self.private = private or Ed25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.x = b64url(self.public)
        self.id = thumbprint(self.x)

    @property
    def jwk(self) -> dict[str, str]:
        return {"kty": "OKP", "crv": "Ed25519", "x": self.x}

    def sign(self, base: bytes) -> bytes:
        return self.private.sign(base)


class Shared:
    """A shared secret."""

    def __init__(self, key_id: str, secret: bytes) -> None:
        self.id = key_id
        self.secret = secret

    def sign(self, base: bytes) -> bytes:
        return hmac.new(self.secret, base, hashlib.sha256).digest()


def make_request(
    headers: list[tuple[str, str]] | None = None,
    *,
    ray: str = "0123456789abcdef",
    target: str = "/path/to/resource?a=1",
    method: str = "GET",
    received: float = NOW,
    authority: str = "example.com",
) -> Request:
    path, mark, query = target.partition("?")
    return Request(
        ray=ray,
        received=received,
        method=method.encode(),
        target=target.encode(),
        path=path.encode(),
        query=query.encode() if mark else None,
        version="HTTP/1.1",
        secure=True,
        authority=authority.encode(),
        host=authority,
        headers=Headers(tuple((name.encode(), value.encode("utf-8")) for name, value in headers or [])),
        body_length=0,
    )


def make_facts(request: Request, address: str = "203.0.113.7", ja4: str = "") -> Facts:
    tls = Tls("TLSv1.3", "TLS_AES_128_GCM_SHA256", ja4=ja4) if ja4 else None
    client = Client(ip_address(address), address, 4711, address, tls)
    return Facts(request, client, "zone", False, None, None, {})


def signed(
    signer: Signer | Shared,
    *,
    label: str = "sig1",
    components: str = '"@authority" "signature-agent"',
    agent: str | None = '"https://agent.example"',
    created: int | None = int(NOW) - 5,
    expires: int | None = int(NOW) + 60,
    nonce: str = "",
    tag: str = "web-bot-auth",
    user_agent: str = "Mozilla/5.0",
    ray: str = "0123456789abcdef",
    key_id: str | None = None,
    target: str = "/path/to/resource?a=1",
    forged: bool = False,
    authority: str = "example.com",
) -> Request:
    """A request with a signature over `components`."""
    parameters = "".join(
        (
            f";created={created}" if created is not None else "",
            f';keyid="{key_id or signer.id}"',
            f";expires={expires}" if expires is not None else "",
            f';nonce="{nonce}"' if nonce else "",
            f';tag="{tag}"' if tag else "",
        )
    )
    headers = [("User-Agent", user_agent), ("Signature-Input", f"{label}=({components}){parameters}")]
    if agent is not None:
        headers.append(("Signature-Agent", agent))
    draft = make_request([*headers, ("Signature", f"{label}=:AA==:")], ray=ray, target=target, authority=authority)
    signature: Signature = read_signatures(draft.headers)[0]
    base = signature_base(draft, signature)
    assert base is not None, "the test signs what is not there"
    value = signer.sign(base + b"?" if forged else base)
    encoded = base64.b64encode(value).decode()
    return make_request([*headers, ("Signature", f"{label}=:{encoded}:")], ray=ray, target=target, authority=authority)
