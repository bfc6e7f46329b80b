"""Sites under the ids that the original's API has for its zones."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

ACCOUNT: Final = sha256(b"botproxy account").hexdigest()[:32]


def zone_tag(name: str) -> str:
    """The id of a zone: 32 hexadecimal digits that follow from its name, the same on every machine and for ever."""
    return sha256(b"botproxy zone " + name.encode()).hexdigest()[:32]


def listed(names: Sequence[str], name: str | None, page: int, per_page: int) -> dict[str, Any]:
    """A page of `GET /client/v4/zones`, in the original's envelope."""
    found = [each for each in sorted(names) if name is None or each == name]
    shown = found[(page - 1) * per_page : page * per_page]
    return {
        "result": [described(each) for each in shown],
        "result_info": {
            "page": page,
            "per_page": per_page,
            "total_pages": -(-len(found) // per_page),
            "count": len(shown),
            "total_count": len(found),
        },
        **succeeded(),
    }


def described(name: str) -> dict[str, Any]:
    """One zone. Exporters pass over zones of a free plan, which have no analytics at the original."""
    return {
        "id": zone_tag(name),
        "name": name,
        "status": "active",
        "paused": False,
        "type": "full",
        "development_mode": 0,
        "account": {"id": ACCOUNT, "name": "botproxy"},
        "plan": {"id": "enterprise", "name": "Enterprise Website", "legacy_id": "enterprise", "is_subscribed": True},
    }


def succeeded() -> dict[str, Any]:
    """The rest of the envelope."""
    return {"success": True, "errors": [], "messages": []}


def failed(code: int, text: str) -> dict[str, Any]:
    """The envelope of a failure."""
    return {"result": None, "success": False, "errors": [{"code": code, "message": text}], "messages": []}
