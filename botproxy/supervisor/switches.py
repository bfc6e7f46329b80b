"""What was switched on the running proxy, modes and under attack, and the file in which that outlives it."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, final

import orjson

from botproxy.link import Plan
from botproxy.store import whole_file
from botproxy.supervisor.nursery import Refused
from botproxy.telemetry import log

FILE = "state.json"
MODES = ("observe", "enforce")

_log = logging.getLogger(__name__)


class Effective(NamedTuple):
    """What holds now."""

    instance: str
    zones: dict[str, str]


@final
class Switches:
    """What an operator switched beats what the configuration says; a zone's switch beats the instance's.

    Switching the instance takes the zones' switches back, so that one command does to everything what it says.
    """

    def __init__(
        self,
        instance: str | None = None,
        zones: dict[str, str] | None = None,
        attacked: bool | None = None,
        attacked_zones: dict[str, bool] | None = None,
    ) -> None:
        self.instance = instance
        self.zones = dict(zones or {})
        self.attacked = attacked
        self.attacked_zones = dict(attacked_zones or {})

    def switch(self, mode: str | None, zone: str | None) -> None:
        """Switch a zone, or everything; `None` for a mode goes back to what the configuration says."""
        if zone is None:
            self.instance = mode
            self.zones.clear()
        elif mode is None:
            self.zones.pop(zone, None)
        else:
            self.zones[zone] = mode

    def switch_attack(self, on: bool | None, zone: str | None) -> None:
        """Have a zone, or everything, under attack or not; `None` for `on` goes back to the configuration."""
        if zone is None:
            self.attacked = on
            self.attacked_zones.clear()
        elif on is None:
            self.attacked_zones.pop(zone, None)
        else:
            self.attacked_zones[zone] = on

    def under_attack(self, plan: Plan) -> list[str]:
        """The zones that are under attack now, under this configuration."""
        configured = frozenset(plan.under_attack)
        return sorted(
            zone
            for zone in plan.zone_modes
            if self.attacked_zones.get(zone, zone in configured if self.attacked is None else self.attacked)
        )

    def effective(self, plan: Plan) -> Effective:
        """The modes that hold under this configuration."""
        instance = self.instance or plan.mode
        return Effective(
            instance,
            {
                zone: self.zones.get(zone) or self.instance or configured or plan.mode
                for zone, configured in plan.zone_modes.items()
            },
        )

    def differences(self, plan: Plan) -> list[str]:
        """What is switched away from the configuration: `all` or zone names."""
        away = ["all"] if self.instance not in (None, plan.mode) else []
        return away + sorted(
            zone
            for zone, mode in self.zones.items()
            if zone in plan.zone_modes and mode != (plan.zone_modes[zone] or plan.mode)
        )

    def to_json(self) -> bytes:
        """The content of the file."""
        said: dict[str, object] = {"version": 1, "mode": self.instance, "zones": self.zones}
        if self.attacked is not None or self.attacked_zones:
            said["under_attack"] = {"all": self.attacked, "zones": self.attacked_zones}
        return orjson.dumps(said, option=orjson.OPT_INDENT_2)


def read(directory: Path) -> Switches:
    """What was switched before. A file that cannot be understood is put aside and said, not obeyed in part.

    Raises `Refused` when there is a file and it cannot be read at all.
    """
    path = directory / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Switches()
    except OSError as error:
        raise Refused([f"data: {path} cannot be read: {error.strerror}"]) from None
    try:
        said = orjson.loads(content)
        instance, zones = said["mode"], said["zones"]
        if instance not in (None, *MODES) or not all(mode in MODES for mode in zones.values()):
            raise ValueError("a mode is observe or enforce")
        attack = said.get("under_attack", {"all": None, "zones": {}})
        attacked, attacked_zones = attack["all"], attack["zones"]
        if attacked not in (None, True, False) or not all(isinstance(on, bool) for on in attacked_zones.values()):
            raise ValueError("under attack is true or false")
        return Switches(instance, {str(zone): mode for zone, mode in zones.items()}, attacked, attacked_zones)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = path.with_suffix(".json.unreadable")
        with suppress(OSError):
            os.replace(path, aside)
        _log.error(
            "the switched modes cannot be read, those of the configuration hold",
            extra=log.fields(file=path, moved_to=aside, error=error),
        )
        return Switches()


def write(directory: Path, content: bytes) -> None:
    """Replace the file: after a crash there is the old content or the new, never half. Raises OSError."""
    whole_file.write(directory / FILE, content)
