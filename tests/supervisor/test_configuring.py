"""Changes on the running proxy, as the supervisor takes them; what looks at configurations is stood in for."""

from __future__ import annotations

import asyncio
import json
import pkgutil
import threading
from pathlib import Path
from typing import Any

import pytest

from botproxy.admin.configuration import ForbiddenError, StaleError
from botproxy.admin.operator import LOOPBACK, Operator
from botproxy.config import document
from botproxy.config.overlay.versions import Versions, changes_in
from botproxy.config.source import Source
from botproxy.errors import OperatorError
from botproxy.supervisor.configuring import Configuring

SHOPKEEPER = Operator("ada", "operator", frozenset(("shop",)))


class Proxy:
    """A host that remembers what it was offered."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.offered: list[Source] = []
        self.problems: list[str] = []
        self.given_way: list[tuple[bool, set[str], set[str]]] = []
        self.slow = 0.0
        self.begun = asyncio.Event()

    @property
    def running(self) -> str:
        return Source.from_origin("http://127.0.0.1:1", data=str(self.data)).to_json()

    def read(self) -> str:
        return self.running

    async def offer(self, source: str) -> dict[str, Any]:
        self.begun.set()
        await asyncio.sleep(self.slow)
        self.offered.append(Source.from_json(source))
        return {"ok": not self.problems, "problems": self.problems}

    async def configured(self, instance: bool, mode: set[str], attack: set[str]) -> list[str]:
        self.given_way.append((instance, mode, attack))
        return []


@pytest.fixture
def proxy(tmp_path: Path) -> Proxy:
    return Proxy(tmp_path)


@pytest.fixture
def configuring(proxy: Proxy) -> Configuring:
    return Configuring(proxy)


def change(*steps: dict[str, Any], base: int | None = None) -> bytes:
    return json.dumps({"steps": steps, **({} if base is None else {"base": base})}).encode()


def setting(path: str = "mode", value: Any = "enforce", zone: str | None = None) -> dict[str, Any]:
    return {"op": "set", "path": path, "value": value, **({"zone": zone} if zone else {})}


async def test_what_is_taken_becomes_a_version(proxy: Proxy, configuring: Configuring) -> None:
    said = await configuring.apply(LOOPBACK, change(setting(), base=0))
    assert (said["ok"], said["version"], said["persisted"]) == (True, 1, True)
    kept = Versions(proxy.data).current()
    assert changes_in(kept) == {"mode": "enforce"}
    assert (proxy.offered[0].overlay, proxy.offered[0].overlay_file) == (kept.text, kept.file)
    assert proxy.given_way == [(True, set(), set())]
    listed = (await configuring.versions(LOOPBACK))["versions"]
    assert [(each["version"], each["who"], each["what"]) for each in listed] == [(1, "loopback", "mode = enforce")]


async def test_what_is_refused_leaves_nothing_behind(proxy: Proxy, configuring: Configuring) -> None:
    proxy.problems = ["botproxy.yaml:1:1: it is wrong"]
    said = await configuring.apply(LOOPBACK, change(setting(), base=0))
    assert (said["ok"], said["version"]) == (False, 0)
    assert said["problems"] == [{"text": "botproxy.yaml:1:1: it is wrong"}]
    assert Versions(proxy.data).listed() == []
    assert not list((proxy.data / "overlay").iterdir())


async def test_of_two_changes_to_one_version_one_is_made(proxy: Proxy, configuring: Configuring) -> None:
    proxy.slow = 0.05
    both = [configuring.apply(LOOPBACK, change(setting(value=value), base=0)) for value in ("enforce", "observe")]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert done[0]["ok"]  # type: ignore[index]
    assert isinstance(done[1], StaleError)
    assert done[1].version == 1


async def test_a_change_is_made_to_its_end_when_whoever_asked_is_gone(proxy: Proxy, configuring: Configuring) -> None:
    proxy.slow = 0.05
    asked = asyncio.create_task(configuring.apply(LOOPBACK, change(setting(), base=0)))
    await proxy.begun.wait()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    for _ in range(400):
        if Versions(proxy.data).listed():
            break
        await asyncio.sleep(0.01)
    assert [each.version for each in Versions(proxy.data).listed()] == [1]


async def test_a_version_is_gone_back_to_by_a_new_one(proxy: Proxy, configuring: Configuring) -> None:
    await configuring.apply(LOOPBACK, change(setting(), base=0))
    await configuring.apply(LOOPBACK, change(setting(zone="shop"), base=1))
    said = await configuring.rollback(LOOPBACK, b'{"version": 1}')
    assert said["version"] == 3
    assert changes_in(Versions(proxy.data).current()) == {"mode": "enforce"}
    assert proxy.given_way[-1] == (False, {"shop"}, set())
    with pytest.raises(LookupError):
        await configuring.rollback(LOOPBACK, b'{"version": 9}')
    with pytest.raises(StaleError):
        await configuring.rollback(LOOPBACK, b'{"version": 0, "base": 1}')


async def test_only_so_many_versions_are_kept(
    proxy: Proxy, configuring: Configuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botproxy.config.overlay.versions.KEEP", 3)
    for base in range(5):
        await configuring.apply(LOOPBACK, change(setting(), base=base))
    assert [each.version for each in Versions(proxy.data).listed()] == [5, 4, 3]


async def test_who_has_some_zones_changes_those_alone(proxy: Proxy, configuring: Configuring) -> None:
    assert (await configuring.apply(SHOPKEEPER, change(setting(zone="shop"), base=0)))["zone"] == "shop"
    for steps in (
        [setting()],
        [setting(zone="blog")],
        [{"op": "reset"}],
        [{"op": "add_items", "list": "a", "items": []}],
    ):
        for asked in (
            configuring.apply(SHOPKEEPER, change(*steps, base=1)),
            configuring.preview(SHOPKEEPER, change(*steps)),
        ):
            with pytest.raises(ForbiddenError):
                await asked
    await configuring.apply(LOOPBACK, change(setting(zone="blog"), base=1))
    with pytest.raises(ForbiddenError):
        await configuring.rollback(SHOPKEEPER, b'{"version": 0}')
    with pytest.raises(ForbiddenError):
        await configuring.export(SHOPKEEPER)
    await configuring.apply(LOOPBACK, change(setting(value="observe", zone="shop"), base=2))
    assert (await configuring.rollback(SHOPKEEPER, b'{"version": 2}'))["ok"]


async def test_a_disk_that_is_full_changes_nothing(
    proxy: Proxy, configuring: Configuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Versions, "draft", full)
    with pytest.raises(OperatorError, match="nothing has changed: No space left"):
        await configuring.apply(LOOPBACK, change(setting(), base=0))
    assert proxy.offered == []


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"steps": [], "base": 0}', b'{"steps": [{"op": "set"}], "base": 0}', change(setting())],
)
async def test_what_is_no_change_is_refused(configuring: Configuring, body: bytes) -> None:
    with pytest.raises(OperatorError, match="Send"):
        await configuring.apply(LOOPBACK, body)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"mode: [observe", r"000002\.yaml:2"), (b"\xff\xfe\0", r"000002\.yaml: a byte that is not UTF-8")],
)
async def test_a_version_that_was_damaged_is_not_taken_for_no_changes(
    proxy: Proxy, configuring: Configuring, content: bytes, told: str
) -> None:
    for base, value in enumerate(("enforce", "observe")):
        await configuring.apply(LOOPBACK, change(setting(value=value), base=base))
    (proxy.data / "overlay" / "000002.yaml").write_bytes(content)
    with pytest.raises(OperatorError, match=told):
        await configuring.apply(LOOPBACK, change(setting(zone="shop"), base=2))
    with pytest.raises(OperatorError, match=told):
        await configuring.rollback(LOOPBACK, b'{"version": 2}')
    assert [each.version for each in Versions(proxy.data).listed()][-1] == 1
    assert (await configuring.rollback(LOOPBACK, b'{"version": 1}'))["ok"]
    assert changes_in(Versions(proxy.data).current()) == {"mode": "enforce"}


async def test_changes_are_read_and_written_aside_of_the_loop(
    proxy: Proxy, configuring: Configuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There may be megabytes of them, and the loop is what watches workers."""
    threads: list[int] = []

    def watched(original: Any) -> Any:
        def call(*given: Any) -> Any:
            threads.append(threading.get_ident())
            return original(*given)

        return call

    for module in ("configuring", "configuring.changes"):
        name = "changes_in" if module == "configuring" else "changed"
        path = f"botproxy.supervisor.{module}.{name}"
        monkeypatch.setattr(path, watched(pkgutil.resolve_name(path)))
    monkeypatch.setattr(Versions, "next", watched(Versions.next))
    await configuring.apply(LOOPBACK, change(setting(), base=0))
    await configuring.rollback(LOOPBACK, b'{"version": 0}')
    assert len(threads) >= 6
    assert threading.get_ident() not in threads


async def test_what_a_version_says_of_itself_is_read_without_its_changes(
    proxy: Proxy, configuring: Configuring, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = "a: very\n\nlong # story  " * 40
    await configuring.apply(LOOPBACK, json.dumps({"base": 0, "what": what, "steps": [setting()]}).encode())
    items = {"op": "add_list", "list": "office", "kind": "ip", "items": ["192.0.2.1"] * 50}
    await configuring.apply(LOOPBACK, change(items, base=1))
    read: list[str] = []

    def reading(text: str, file: str) -> Any:
        read.append(text)
        return document.read(text, file)

    monkeypatch.setattr("botproxy.config.overlay.versions.read", reading)
    second, first = Versions(proxy.data).listed()
    assert (first.what, second.what) == (f"{what} (mode = enforce)", "list office: add_list")
    assert second.at >= first.at > 0
    assert not any("192.0.2.1" in text or "mode: enforce" in text for text in read)
