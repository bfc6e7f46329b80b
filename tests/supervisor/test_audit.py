"""The audit: what is read of it."""

from __future__ import annotations

from pathlib import Path

from botproxy.supervisor.audit import AuditLog


async def test_every_change_can_be_reached(tmp_path: Path) -> None:
    audit = AuditLog(lambda: tmp_path)
    for number in range(7):
        await audit.note("ada", "mode", "shop" if number % 2 else None, what=f"change {number}")
    first = await audit.entries(3, 0, lambda _: True)
    second = await audit.entries(3, 3, lambda _: True)
    last = await audit.entries(3, 6, lambda _: True)
    assert {page.total for page in (first, second, last)} == {7}
    assert [each["what"][-1] for page in (first, second, last) for each in page.entries] == list("6543210")
    of_shop = await audit.entries(2, 1, lambda entry: entry["zone"] == "shop")
    assert (of_shop.total, [each["what"] for each in of_shop.entries]) == (3, ["change 3", "change 1"])
    assert (await audit.entries(3, 9, lambda _: True)).entries == []
