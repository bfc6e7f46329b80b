"""What holds, for people: every setting that an overlay may change with where its value comes from, and differences."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping
from hashlib import sha256
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError

from botproxy.config.document import Value, read
from botproxy.config.load import Whole, read_whole
from botproxy.config.overlay.merging import exempting
from botproxy.config.overlay.settable import Settable, of_instance, of_zone
from botproxy.config.overlay.shape import RULE_KINDS, RuleKind, ref_of
from botproxy.config.overlay.versions import OverlayText, changes_in, number_of
from botproxy.config.source import Source
from botproxy.config.tree import Config, ZoneSettings
from botproxy.rulesets.presets import expand

MAX_DIFF: Final = 2_000
"""Lines of a difference that are shown."""


_CREDENTIALS: Final = re.compile(r"//[^/@\s]*@")
_ADDRESS: Final = re.compile(r"https?://[^/?#\s]*/(?=.)")


def text_of(
    whole: Whole, zones: Collection[str] | None = None, told: Callable[[Value], Value] = lambda value: value
) -> str:
    """The configuration with its overlay as YAML, without remarks; with `zones`, what concerns these alone."""
    value = whole.document.value
    if zones is not None and isinstance(value, dict):
        of = value.get("zones")
        value = {"zones": [each for each in of if _named(each) in zones] if isinstance(of, list) else []}
    return yaml.safe_dump(told(value), sort_keys=False, allow_unicode=True, width=1000)


def _told(value: Value, place: str = "") -> Value:
    """Without what is a secret although it stands in the configuration: paths of webhooks and of log exports, which let
    in whoever knows them, and values of headers. Four digits of a hash say whether they differ."""
    if isinstance(value, dict):
        return {
            name: _mark(each)
            if place.endswith(".headers") and isinstance(each, str)
            else _told(each, f"{place}.{name}" if place else name if name in ("logpush", "webhooks") else "")
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_told(each, place) for each in value]
    address = _ADDRESS.match(value) if isinstance(value, str) and place.endswith(".url") else None
    return value if address is None else f"{address[0]}{_mark(str(value))}"


def _mark(secret: str) -> str:
    return f"… ({sha256(secret.encode('utf-8', 'replace')).hexdigest()[:4]})"


def difference(before: Whole, after: Whole, names: tuple[str, str], zones: Collection[str] | None = None) -> str:
    """What is different, as a unified diff; "" when nothing is."""
    one, other = (_CREDENTIALS.sub("//…@", text_of(each, zones, _told)).splitlines() for each in (before, after))
    lines = list(difflib.unified_diff(one, other, *names, lineterm=""))
    more = len(lines) - MAX_DIFF
    if more > 0:
        lines[MAX_DIFF:] = [f"… and {more} more lines"]
    return "".join(line + "\n" for line in lines)


def exported(whole: Whole) -> str:
    """One YAML file that needs no overlay. Raises OperatorError for a configuration without a file."""
    head = "# The configuration and all that was changed on the running proxy, in one. Remarks were not kept.\n"
    return head + text_of(whole)


def view(source: Source, zones: Collection[str] | None = None) -> dict[str, Any]:
    """All that may be changed, as it is; with `zones`, of these alone. Raises ConfigError."""
    whole = read_whole(source)
    plain = read_whole(source._replace(overlay="", overlay_file=""))
    config = Config.model_validate(whole.document.value)
    try:
        file: Config | None = Config.model_validate(plain.document.value)
    except ValidationError:  # the file needs its overlay
        file = None
    changes = changes_in(whole.overlay)
    in_file = {} if file is None else {zone.name: zone for zone in file.zones}
    shown: dict[str, Any] = {
        "version": number_of(whole.overlay),
        "file": whole.file or None,
        "settings": _settings(of_instance(), config, file, changes),
        "zones": [
            _zone(zone, in_file.get(zone.name), changes.get("zones", {}).get(zone.name, {}))
            for zone in config.zones
            if zones is None or zone.name in zones
        ],
    }
    if zones is None:
        shown["lists"] = [_list(each.model_dump(mode="json"), changes.get("lists", {})) for each in config.lists]
        shown["overlay"] = changes
    return shown


def parsed(overlay: OverlayText) -> Value:
    """The values of an overlay, with what it says of itself."""
    return read(overlay.text, overlay.file).value if overlay.text else {}


def _named(zone: Value) -> str:
    return str(zone.get("name")) if isinstance(zone, dict) else ""


def _settings(
    known: list[Settable], now: BaseModel, file: BaseModel | None, changes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    rows = []
    for each in known:
        row = {
            "path": each.name,
            "kind": each.kind,
            "value": _plain(_at(now, each.path)),
            "file": None if file is None else _plain(_at(file, each.path)),
            "changed": _changed(changes, each.path),
            "help": each.help,
        }
        if each.choices:
            row["choices"] = each.choices
        if each.nothing:
            row["nothing"] = True
        rows.append(row)
    return rows


def _at(section: BaseModel, path: tuple[str, ...]) -> Any:
    here: Any = section
    for name in path:
        here = getattr(here, name, None)
    return here


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_unset=True)
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _changed(changes: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    here: Any = changes
    for name in path:
        if not isinstance(here, Mapping) or name not in here:
            return False
        here = here[name]
    return True


def _zone(zone: ZoneSettings, file: ZoneSettings | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    exceptions = {each.get("ref"): each for each in changes.get("exceptions", [])}
    rows, left_out = _rules("rules", zone, file, changes)
    for row in rows:
        exception = exceptions.get(row["ref"])
        if exception is not None and row["expression"] == exempting(exception)["expression"]:
            row |= {"from": "exception", "until": exception.get("until")}
    limits, access, agents = (_rules(kind, zone, file, changes) for kind in RULE_KINDS[1:])
    return {
        "name": zone.name,
        "hosts": zone.hosts,
        "bm_cookie_enabled": zone.cookies.bm_cookie_enabled,
        "settings": _settings(of_zone(), zone, file, changes),
        "rules": rows,
        "left_out": left_out,
        "preset_rules": [_rule(rule) for rule in expand(zone.presets)],
        "rate_limits": limits[0],
        "rate_limits_left_out": limits[1],
        "access_rules": access[0],
        "access_rules_left_out": access[1],
        "user_agent_rules": agents[0],
        "user_agent_rules_left_out": agents[1],
    }


def _rules(
    kind: RuleKind, zone: ZoneSettings, file: ZoneSettings | None, changes: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rules of one kind, each with where it is from, and those of the file that are left out."""
    edits = changes.get(kind, {})
    added = {ref_of(kind, each.get("rule", {})) for each in edits.get("add", [])}
    in_file = {} if file is None else {ref_of(kind, row): row for row in map(_rule, getattr(file, kind))}
    in_file = {ref: {**row, "ref": ref} for ref, row in in_file.items()}
    rows = []
    for said in map(_rule, getattr(zone, kind)):
        ref = ref_of(kind, said)
        row = {**said, "ref": ref, "from": "added" if ref in added else "file"}
        if ref not in added and ref in edits.get("change", {}):
            row["from"] = "changed"
            if ref in in_file:
                row["file"] = in_file[ref]
        rows.append(row)
    return rows, [in_file[ref] for ref in edits.get("remove", []) if ref in in_file]


def _rule(rule: Any) -> dict[str, Any]:
    said: dict[str, Any] = rule.model_dump(mode="json", exclude_unset=True)
    return {**said, "enabled": rule.enabled, "shadow": rule.shadow}


def _list(one: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    items = one.get("items")
    edits = changes.get(one["name"], {})
    return {
        "name": one["name"],
        "kind": one["kind"],
        "description": one["description"],
        "file": one["file"],
        "items": items,
        "number": None if items is None else len(items),
        "from": "added" if "kind" in edits else "changed" if edits else "file",
    }
