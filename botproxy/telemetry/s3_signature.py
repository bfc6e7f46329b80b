"""Signing requests to stores that speak S3: AWS Signature Version 4 with one chunk. Pure."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote


class Key(NamedTuple):
    """Who signs."""

    id: str
    secret: str


def signed(
    method: str, path: str, headers: Mapping[str, str], body: bytes, key: Key, region: str, when: float
) -> dict[str, str]:
    """The headers to send: those given, which have to have `Host`, and those that the signature needs.

    `path` is not yet encoded and begins with `/`; send it as `encoded` gives it. `when` is in seconds since 1970.
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(when))
    day = stamp[:8]
    digest = hashlib.sha256(body).hexdigest()
    sent = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    lower = sorted((name.lower(), " ".join(value.split())) for name, value in sent.items())
    names = ";".join(name for name, _ in lower)
    lines = "".join(f"{name}:{value}\n" for name, value in lower)
    canonical = f"{method}\n{encoded(path)}\n\n{lines}\n{names}\n{digest}"
    scope = f"{day}/{region}/s3/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    derived = f"AWS4{key.secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    signature = hmac.digest(derived, to_sign.encode(), "sha256").hex()
    sent["Authorization"] = f"AWS4-HMAC-SHA256 Credential={key.id}/{scope},SignedHeaders={names},Signature={signature}"
    return sent


def encoded(path: str) -> str:
    """A path as it is signed and sent."""
    return quote(path, safe="/-_.~")
