"""Switched modes: what beats what, and the file that keeps them."""

from __future__ import annotations

from pathlib import Path

import pytest

from botproxy.link import Plan
from botproxy.supervisor.switches import FILE, Switches, read, write

PLAN = Plan(
    listeners=(),
    workers=1,
    drain_seconds=1.0,
    data="",
    mode="observe",
    zone_modes={"shop": None, "blog": "enforce"},
    events={},
    admin={},
)


def test_without_a_switch_the_configuration_holds() -> None:
    assert Switches().effective(PLAN) == ("observe", {"shop": "observe", "blog": "enforce"})


def test_one_switch_does_to_everything_what_it_says() -> None:
    switches = Switches()
    switches.switch("enforce", "shop")
    switches.switch("observe", None)
    assert switches.effective(PLAN) == ("observe", {"shop": "observe", "blog": "observe"})


def test_a_zone_is_switched_alone() -> None:
    switches = Switches()
    switches.switch("enforce", "shop")
    assert switches.effective(PLAN) == ("observe", {"shop": "enforce", "blog": "enforce"})
    assert switches.differences(PLAN) == ["shop"]
    switches.switch(None, "shop")
    assert switches.effective(PLAN) == ("observe", {"shop": "observe", "blog": "enforce"})


def test_none_goes_back_to_the_configuration() -> None:
    switches = Switches("enforce", {"shop": "observe"})
    switches.switch(None, None)
    assert switches.effective(PLAN) == Switches().effective(PLAN)
    assert switches.differences(PLAN) == []


def test_what_is_written_is_read(tmp_path: Path) -> None:
    written = Switches("enforce", {"shop": "observe"})
    write(tmp_path, written.to_json())
    again = read(tmp_path)
    assert (again.instance, again.zones) == ("enforce", {"shop": "observe"})
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_under_attack_is_what_was_switched_or_else_what_is_configured() -> None:
    plan = PLAN._replace(under_attack=("blog",))
    switches = Switches()
    assert switches.under_attack(plan) == ["blog"]
    switches.switch_attack(True, "shop")
    switches.switch_attack(False, "blog")
    assert switches.under_attack(plan) == ["shop"]
    switches.switch_attack(None, "blog")
    assert switches.under_attack(plan) == ["blog", "shop"]
    switches.switch_attack(False, None)
    assert switches.under_attack(plan) == []
    switches.switch_attack(True, None)
    assert switches.under_attack(plan) == ["blog", "shop"]
    switches.switch_attack(None, None)
    assert switches.under_attack(plan) == ["blog"]


def test_modes_and_attacks_are_switched_apart_and_kept_together(tmp_path: Path) -> None:
    switches = Switches("enforce", {"shop": "observe"})
    switches.switch_attack(True, "shop")
    switches.switch("observe", None)
    write(tmp_path, switches.to_json())
    again = read(tmp_path)
    assert (again.instance, again.zones, again.under_attack(PLAN)) == ("observe", {}, ["shop"])


def test_a_file_from_before_there_were_attacks_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'{"version":1,"mode":"enforce","zones":{}}')
    again = read(tmp_path)
    assert (again.instance, again.under_attack(PLAN)) == ("enforce", [])
    # And one that knows no attacks is what an older version wrote, and can read.
    assert b"under_attack" not in again.to_json()


def test_no_file_is_no_switch(tmp_path: Path) -> None:
    assert read(tmp_path).instance is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"mode":"enforce"}',
        b'{"mode":"off","zones":{}}',
        b'{"mode":null,"zones":[1]}',
        b'{"mode":"enforce","zones":{},"under_attack":{"all":"on","zones":{}}}',
        b'{"mode":"enforce","zones":{},"under_attack":{"all":null,"zones":{"shop":1}}}',
        b'{"mode":"enforce","zones":{},"under_attack":true}',
    ],
)
def test_a_file_that_is_spoilt_is_put_aside_and_not_obeyed_in_part(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    switches = read(tmp_path)
    assert (switches.instance, switches.zones) == (None, {})
    assert (tmp_path / "state.json.unreadable").read_bytes() == content


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    write(tmp_path, Switches("enforce").to_json())
    (tmp_path / "state.json.new").mkdir()
    with pytest.raises(OSError, match="directory"):
        write(tmp_path, Switches("observe").to_json())
    assert read(tmp_path).instance == "enforce"
