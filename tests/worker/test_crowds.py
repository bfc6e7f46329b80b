"""What all did with the same JA4, headers or path is counted where a rule or a hook asks for it, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.config import Source, load
from botproxy.cookies import KeyRing, new_secret
from botproxy.worker.compose import DataPlane


@pytest.mark.parametrize(
    ("zone", "counted"),
    [
        ("", False),
        ("rules: [{ref: a, action: block, expression: botproxy.address.requests gt 9}]", False),
        ("rules: [{ref: a, action: block, expression: botproxy.headers.requests gt 9}]", True),
        (
            "rate_limits: [{ref: a, action: block, expression: botproxy.path.logins gt 9, ratelimit:"
            " {characteristics: [ip.src], period: 10, requests_per_period: 5, mitigation_timeout: 10}}]",
            True,
        ),
    ],
    ids=["no rule", "a rule on callers", "a rule on crowds", "a rate limit on crowds"],
)
def test_crowds_are_counted_where_something_asks_for_them(tmp_path: Path, zone: str, counted: bool) -> None:
    path = tmp_path / "botproxy.yaml"
    path.write_text(
        "mode: enforce\nlisteners: [{address: '127.0.0.1:8080'}]\nzones:\n"
        f"  - name: shop\n    hosts: [shop.example]\n    origins: ['http://127.0.0.1:3000']\n    {zone}\n"
    )
    plane = DataPlane(load(Source(path)), KeyRing.from_text(new_secret()))
    assert plane._needs_crowds() is counted
