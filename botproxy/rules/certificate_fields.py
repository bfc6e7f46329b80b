"""Fields of client certificates: none is ever asked for here, and this is what the original says of such a request."""

from __future__ import annotations

from typing import Final

from botproxy.rules.types import BOOL, BYTES, Type

_PREFIX: Final = "cf.tls_client_auth.cert_"
_FLAGS: Final = ("chain_rfc9440_too_large", "presented", "revoked", "rfc9440_too_large", "verified")
_TEXTS: Final = (
    "chain_rfc9440", "fingerprint_sha1", "fingerprint_sha256", "issuer_dn", "issuer_dn_legacy", "issuer_dn_rfc2253",
    "issuer_serial", "issuer_ski", "not_after", "not_before", "rfc9440", "serial", "ski", "subject_dn",
    "subject_dn_legacy", "subject_dn_rfc2253",
)  # fmt: skip

CERTIFICATE_FIELDS: Final[tuple[tuple[str, Type, object], ...]] = (
    *((_PREFIX + name, BOOL, False) for name in _FLAGS),
    *((_PREFIX + name, BYTES, b"") for name in _TEXTS),
)
"""Name, type and the one value."""
