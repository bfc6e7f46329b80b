"""Listeners as the configuration says, and certificates that are renewed while a worker serves."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import trustme

from botproxy.config import Config
from botproxy.errors import OperatorError
from botproxy.worker.doors import Renewal, doors


def issue(place: Path, name: str, *names: str) -> dict[str, str]:
    leaf = trustme.CA().issue_cert(*names)
    leaf.cert_chain_pems[0].write_to_path(place / f"{name}.pem")
    leaf.private_key_pem.write_to_path(place / f"{name}.key")
    return {"certificate": str(place / f"{name}.pem"), "key": str(place / f"{name}.key")}


def config(listeners: list[dict[str, Any]], *certificates: list[dict[str, str]]) -> Config:
    zones = [
        {"name": f"zone-{number}", "hosts": [f"{number}.test"], "origins": ["http://127.0.0.1:1"], "certificates": each}
        for number, each in enumerate(certificates or ([],))
    ]
    return Config.model_validate({"listeners": listeners, "zones": zones})


def test_a_plain_listener_is_plain() -> None:
    (door,) = doors(config([{"address": "127.0.0.1:1"}])).values()
    assert (door.certificates, door.proxies, door.strangers) == (None, None, False)


def test_a_tls_listener_has_its_own_certificate_for_everybody_and_those_of_all_zones(tmp_path: Path) -> None:
    own, one, two = (issue(tmp_path, name, f"{name}.test") for name in ("own", "one", "two"))
    made = doors(config([{"address": "127.0.0.1:1", "tls": own}, {"address": "127.0.0.1:2", "tls": {}}], [one], [two]))
    first, second = (door.certificates for door in made.values())
    assert first is not None
    assert second is not None
    assert first.choose("stranger.test") is first.choose("own.test")
    assert len({first.choose(name) for name in ("own.test", "one.test", "two.test")}) == 3
    assert second.choose("stranger.test") is second.choose("one.test") is not second.choose("two.test")


def test_listeners_alike_share_their_certificates(tmp_path: Path) -> None:
    own = issue(tmp_path, "own", "own.test")
    made = list(doors(config([{"address": f"127.0.0.1:{port}", "tls": own} for port in (1, 2)])).values())
    assert made[0].certificates is made[1].certificates


def test_load_balancers_are_those_that_are_listed() -> None:
    listeners = [
        {"address": "127.0.0.1:1", "proxy_protocol": {"peers": ["10.0.0.0/8"]}},
        {"address": "127.0.0.1:2", "proxy_protocol": {"peers": ["10.0.0.0/8"], "others": "accept"}},
    ]
    closed, opened = doors(config(listeners)).values()
    assert closed.proxies is not None
    assert ip_address("10.1.2.3") in closed.proxies
    assert ip_address("11.1.2.3") not in closed.proxies
    assert (closed.strangers, opened.strangers) == (False, True)


def test_a_certificate_that_cannot_be_used_names_its_listener(tmp_path: Path) -> None:
    own = issue(tmp_path, "own", "own.test")
    Path(own["key"]).write_text("nothing")
    with pytest.raises(OperatorError, match=r"listener 127\.0\.0\.1:1.*own\.pem"):
        doors(config([{"address": "127.0.0.1:1", "tls": own}]))
    with pytest.raises(OperatorError, match="needs a certificate"):
        doors(config([{"address": "127.0.0.1:1", "tls": {}}]))


async def until(condition: Any) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - another thread brings it about
            await asyncio.sleep(0.01)


async def test_replaced_files_are_loaded_and_a_fault_is_said_once(tmp_path: Path, caplog: Any) -> None:
    own = issue(tmp_path, "own", "own.test")
    made = doors(config([{"address": "127.0.0.1:1", "tls": own}]))
    certificates = made["127.0.0.1:1"].certificates
    assert certificates is not None
    before = certificates.choose("own.test")
    renewal = Renewal(made.values(), seconds=0.01)
    renewal.start()
    issue(tmp_path, "own", "own.test")
    await until(lambda: renewal.renewed == 1)
    now = certificates.choose("own.test")
    assert now is not before
    Path(own["certificate"]).write_text("half written")  # noqa: ASYNC240 - a few bytes
    await until(lambda: renewal.failing == 1)
    await asyncio.sleep(0.1)
    assert sum("cannot be renewed" in record.message for record in caplog.records) == 1
    assert certificates.choose("own.test") is now
    issue(tmp_path, "own", "own.test")
    await until(lambda: renewal.renewed == 2 and renewal.failing == 0)
    renewal.stop()
