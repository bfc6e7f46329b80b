"""What an operator asks for, step by step, made into the next overlay. Pure: values in, values out.

Whether it fits the configuration is not asked here; that is found when both are merged.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter

from botproxy.config.overlay.shape import INSTANCE_SETTINGS, RULE_KINDS, WORDS, ZONE_SETTINGS, RuleKind, ref_of
from botproxy.errors import OperatorError
from botproxy.schema import Section

MAX_STEPS: Final = 500

Name = Annotated[str, Field(min_length=1, max_length=100)]
Items = Annotated[list[str | int], Field(max_length=10_000)]


class ChangeError(OperatorError):
    """A step that cannot be taken; the text says what would be right."""


class _Step(Section):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Set(_Step):
    """Set a setting; null goes back to what the file says."""

    op: Literal["set"]
    path: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){0,5}$")]
    value: Any
    zone: Name | None = None


class _RuleStep(_Step):
    of: RuleKind = "rules"
    """Which rules of the zone are meant."""


class AddRule(_RuleStep):
    """Add a rule, at the end unless a place is named."""

    op: Literal["add_rule"]
    zone: Name
    rule: dict[str, Any]
    before: Name | None = None
    after: Name | None = None
    first: bool = False


class ChangeRule(_RuleStep):
    """Replace keys of a rule; null for a key goes back to what the file says."""

    op: Literal["change_rule"]
    zone: Name
    ref: Name
    rule: dict[str, Any]


class RuleStep(_RuleStep):
    """Leave a rule out, or take all that was changed about it back."""

    op: Literal["remove_rule", "reset_rule"]
    zone: Name
    ref: Name


class OrderRules(_RuleStep):
    """Have rules stand in this order among each other; none goes back to the file's order."""

    op: Literal["order_rules"]
    zone: Name
    refs: Annotated[list[Name], Field(max_length=10_000)]


class AddException(_Step):
    """Let requests through for a time."""

    op: Literal["add_exception"]
    zone: Name
    ref: Name
    expression: str
    until: int
    description: Annotated[str, Field(max_length=500)] = ""


class RemoveException(_Step):
    """End an exception before its time."""

    op: Literal["remove_exception"]
    zone: Name
    ref: Name


class ListStep(_Step):
    """Set all items of a list, or add some, or leave some out."""

    op: Literal["set_list", "add_items", "remove_items"]
    list: Name
    items: Items


class AddList(_Step):
    """Add a list."""

    op: Literal["add_list"]
    list: Name
    kind: Literal["ip", "hostname", "asn", "string"]
    items: Items
    description: str = ""


class ResetList(_Step):
    """Take all that was changed about a list back."""

    op: Literal["reset_list"]
    list: Name


class Reset(_Step):
    """Take back all that was changed about a zone; without one, all changes."""

    op: Literal["reset"]
    zone: Name | None = None


Step = Annotated[
    Set
    | AddRule
    | ChangeRule
    | RuleStep
    | OrderRules
    | AddException
    | RemoveException
    | ListStep
    | AddList
    | ResetList
    | Reset,
    Field(discriminator="op"),
]
STEPS: Final[TypeAdapter[list[Step]]] = TypeAdapter(Annotated[list[Step], Field(min_length=1, max_length=MAX_STEPS)])
"""For `validate_json` and `validate_python`; both raise pydantic's ValidationError."""


def zones_of(steps: Sequence[Step]) -> set[str | None]:
    """The zones that these steps change; None stands for what is not of one zone."""
    return {getattr(step, "zone", None) for step in steps}


def changed(overlay: dict[str, Any], steps: Sequence[Step], now: float) -> dict[str, Any]:
    """The overlay after these steps, without exceptions whose time is over. Raises ChangeError."""
    after: dict[str, Any] = copy.deepcopy(overlay)
    after.pop("about", None)
    for step in steps:
        _take(after, step)
    for edits in after.get("zones", {}).values():
        if "exceptions" in edits:
            edits["exceptions"] = [each for each in edits["exceptions"] if each.get("until", 0) > now]
    _tidy(after)
    return after


def described(steps: Sequence[Step]) -> str:
    """The steps in a few words, for the history and the audit."""
    return "; ".join(map(_said, steps[:20])) + (f"; and {len(steps) - 20} more" if len(steps) > 20 else "")


def _said(step: Step) -> str:
    zone = getattr(step, "zone", None)
    where = f"{zone}: " if zone else ""
    match step:
        case Set():
            return f"{where}{step.path} = {_short(step.value)}"
        case AddRule():
            return f"{where}{WORDS[step.of]} {_short(ref_of(step.of, step.rule))} added"
        case ChangeRule():
            return f"{where}{WORDS[step.of]} {step.ref}: {', '.join(sorted(step.rule))[:100]} changed"
        case RuleStep():
            return f"{where}{WORDS[step.of]} {step.ref} {'left out' if step.op == 'remove_rule' else 'reset'}"
        case OrderRules():
            return f"{where}order of {step.of.replace('_', ' ')}"
        case AddException():
            return f"{where}exception {step.ref} added"
        case RemoveException():
            return f"{where}exception {step.ref} ended"
        case Reset():
            return f"{where}all changes taken back"
        case ListStep() | AddList() | ResetList():
            return f"list {step.list}: {step.op}"


def _short(value: object) -> str:
    text = "as in the file" if value is None else str(value)
    return text if len(text) <= 60 else text[:60] + "…"


def _take(overlay: dict[str, Any], step: Step) -> None:
    match step:
        case Set():
            _set(overlay, step)
        case AddRule():
            place = {"before": step.before, "after": step.after, "first": step.first or None}
            given = {name: value for name, value in place.items() if value is not None}
            if len(given) > 1:
                raise ChangeError("a rule is added in one place: before, after or first")
            rules = _rules(overlay, step)
            ref = ref_of(step.of, step.rule)
            if any(_added_ref(each, step.of) == ref for each in rules.get("add", [])):
                raise ChangeError(f"a {WORDS[step.of]} {ref!r} was added already: change it")
            rules.setdefault("add", []).append({"rule": step.rule, **given})
        case ChangeRule():
            _change_rule(_rules(overlay, step), step)
        case RuleStep():
            _rule_step(_rules(overlay, step), step)
        case OrderRules():
            _rules(overlay, step)["order"] = list(step.refs)
        case AddException():
            exceptions = _zone(overlay, step.zone).setdefault("exceptions", [])
            exceptions[:] = [each for each in exceptions if each.get("ref") != step.ref]
            said = {"ref": step.ref, "expression": step.expression, "until": step.until}
            exceptions.append(said | ({"description": step.description} if step.description else {}))
        case RemoveException():
            exceptions = _zone(overlay, step.zone).get("exceptions", [])
            left = [each for each in exceptions if each.get("ref") != step.ref]
            if len(left) == len(exceptions):
                raise ChangeError(f"there is no exception {step.ref!r}")
            exceptions[:] = left
        case ListStep():
            _list_step(overlay, step)
        case AddList():
            lists = overlay.setdefault("lists", {})
            if step.list in lists:
                raise ChangeError(f"the list {step.list!r} is there already")
            described = {"description": step.description} if step.description else {}
            lists[step.list] = {"kind": step.kind, **described, "items": list(step.items)}
        case ResetList():
            overlay.get("lists", {}).pop(step.list, None)
        case Reset():
            if step.zone is None:
                overlay.clear()
            else:
                overlay.get("zones", {}).pop(step.zone, None)


def _set(overlay: dict[str, Any], step: Set) -> None:
    names = step.path.split(".")
    known = INSTANCE_SETTINGS if step.zone is None else ZONE_SETTINGS
    if names[0] not in known:
        raise ChangeError(f"{step.path} cannot be set here; what can: {', '.join(known)}")
    here = overlay if step.zone is None else _zone(overlay, step.zone)
    for name in names[:-1]:
        here = here.setdefault(name, {})
        if not isinstance(here, dict):
            raise ChangeError(f"{step.path} is no setting")
    if step.value is None:
        here.pop(names[-1], None)
    else:
        here[names[-1]] = step.value


def _zone(overlay: dict[str, Any], zone: str) -> dict[str, Any]:
    edits: dict[str, Any] = overlay.setdefault("zones", {}).setdefault(zone, {})
    return edits


def _rules(overlay: dict[str, Any], step: AddRule | ChangeRule | RuleStep | OrderRules) -> dict[str, Any]:
    rules: dict[str, Any] = _zone(overlay, step.zone).setdefault(step.of, {})
    return rules


def _added_ref(added: dict[str, Any], kind: RuleKind) -> str:
    return ref_of(kind, added.get("rule", {}))


def _change_rule(rules: dict[str, Any], step: ChangeRule) -> None:
    own = next((each for each in rules.get("add", []) if _added_ref(each, step.of) == step.ref), None)
    ref = ref_of(step.of, step.rule) or step.ref
    if ref != step.ref:
        raise ChangeError("a rule keeps its ref: add another one, and leave this one out")
    changes: dict[str, Any] = (
        own["rule"] if own is not None else rules.setdefault("change", {}).setdefault(step.ref, {})
    )
    for name, value in step.rule.items():
        if value is None:
            changes.pop(name, None)
        elif name != "ref" or own is not None:
            changes[name] = value


def _rule_step(rules: dict[str, Any], step: RuleStep) -> None:
    added = rules.get("add", [])
    kept = [each for each in added if _added_ref(each, step.of) != step.ref]
    was_added = len(kept) < len(added)
    rules["add"] = kept
    rules.get("change", {}).pop(step.ref, None)
    if "order" in rules:
        rules["order"] = [
            ref for ref in rules["order"] if ref != step.ref or (step.op == "reset_rule" and not was_added)
        ]
    removed = [ref for ref in rules.get("remove", []) if ref != step.ref]
    if step.op == "remove_rule" and not was_added:
        removed.append(step.ref)
    rules["remove"] = removed


def _list_step(overlay: dict[str, Any], step: ListStep) -> None:
    edits = overlay.setdefault("lists", {}).setdefault(step.list, {})
    items = list(dict.fromkeys(step.items))
    if step.op == "set_list":
        edits.pop("add", None)
        edits.pop("remove", None)
        edits["items"] = items
    elif "items" in edits:
        gone = set(items)
        left = [each for each in edits["items"] if each not in gone]
        edits["items"] = left + items if step.op == "add_items" else left
    else:
        into, other = ("add", "remove") if step.op == "add_items" else ("remove", "add")
        opposite, known, given = edits.get(other, []), edits.get(into, []), set(items)
        edits[other] = [each for each in opposite if each not in given]
        # An item that was only added here is gone once it is left out; so is one that comes back.
        there = {*known, *opposite}
        edits[into] = known + [each for each in items if each not in there]


def _tidy(overlay: dict[str, Any]) -> None:
    """Leave out what says nothing. An empty list of items, or an empty value, says something."""
    for zone in overlay.get("zones", {}).values():
        for kind in RULE_KINDS:
            rules = zone.get(kind, {})
            _drop_empty(rules.get("change", {}))
            _drop_empty(rules, "add", "change", "remove", "order")
        _drop_empty(zone, *RULE_KINDS, "exceptions", "bot_management")
    for edits in overlay.get("lists", {}).values():
        _drop_empty(edits, "add", "remove")
    for name in ("scoring", "alerts"):
        _drop_mappings(overlay.get(name, {}))
    for name in ("zones", "lists"):
        _drop_empty(overlay.get(name, {}))
    _drop_empty(overlay, "zones", "lists", "scoring", "alerts")


def _drop_empty(mapping: dict[str, Any], *names: str) -> None:
    for name in names or list(mapping):
        if name in mapping and not mapping[name]:
            del mapping[name]


def _drop_mappings(mapping: dict[str, Any]) -> None:
    for name, child in list(mapping.items()):
        if isinstance(child, dict):
            _drop_mappings(child)
            if not child:
                del mapping[name]
