"""The configuration with the overlay on top, as one document; and what of the overlay does not fit it any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Final

from botproxy.config.document import Document, Place, Value
from botproxy.config.explain import validate
from botproxy.config.overlay import settable
from botproxy.config.overlay.nodes import SECOND, Node, lift, lower, made
from botproxy.config.overlay.ordering import Ordered
from botproxy.config.overlay.shape import RULE_KINDS, WORDS, Overlay, RuleKind
from botproxy.config.problems import Problem, shown

TAKE_BACK: Final = "take this change back: botproxy config rollback VERSION, or on the page of the configuration"
_TEXT: Final = re.compile(r'r(#*)".*?"\1|"(?:[^"\\]|\\.)*"', re.DOTALL)

Say = Callable[[Node, str, str], None]


def merged(base: Document, overlay: Document, file: str) -> tuple[Document, list[Problem], list[Problem]]:
    """The merged document, problems and warnings; `file` is the overlay's.

    Places of what comes from the overlay are shifted by `SECOND`; the problems of the overlay itself are not.
    """
    if overlay.problems:
        return base, list(overlay.problems), []
    _, faults = validate(Overlay, overlay, file)
    if faults:
        return base, list(faults.values()), []
    problems: list[Problem] = []
    warnings: list[Problem] = []

    def teller(into: list[Problem]) -> Say:
        def say(node: Node, what: str, right: str) -> None:
            into.append(Problem(file, node.place.value.line - SECOND, node.place.value.column, what, right))

        return say

    merging = _Merging(lift(base), teller(problems), teller(warnings))
    merging.take(lift(overlay, SECOND))
    return lower(merging.root), problems, warnings


class _Merging:
    """Changes `root`."""

    def __init__(self, root: Node, say: Say, warn: Say) -> None:
        self.root = root
        self._say = say
        self._warn = warn

    def take(self, overlay: Node) -> None:
        known = {each.path for each in settable.of_instance()}
        for name in ("mode", "scoring", "alerts"):
            if name in overlay.mapping:
                self._set(self.root, name, overlay.mapping[name], (name,), known)
        lists = overlay.mapping.get("lists")
        if lists is not None and lists.mapping:
            self._lists(lists)
        zones = self.root.mapping.get("zones", Node([], self.root.place))
        by_name = {zone.mapping["name"].text: zone for zone in zones.items if "name" in zone.mapping}
        for name, edits in overlay.mapping.get("zones", Node({}, self.root.place)).mapping.items():
            if name in by_name:
                self._zone(by_name[name], edits)
            else:
                self._say(edits, f"changes of the zone {shown(name)}, which the configuration does not have", TAKE_BACK)

    def _set(self, into: Node, name: str, given: Node, path: tuple[str, ...], known: set[tuple[str, ...]]) -> None:
        """Set a key, key by key where both are mappings."""
        if not isinstance(into.value, dict):
            return  # told by the checks, where it stands
        if isinstance(given.value, dict):
            inner = into.mapping.get(name)
            if inner is None or not isinstance(inner.value, dict):
                inner = into.mapping[name] = Node({}, given.place)
            for key, child in given.mapping.items():
                self._set(inner, key, child, (*path, key), known)
        elif path in known:
            into.mapping[name] = given
        else:
            self._say(given, f"{shown('.'.join(path))} cannot be set here", "set it in the configuration's file")

    def _zone(self, zone: Node, edits: Node) -> None:
        known = {each.path for each in settable.of_zone()}
        for name, given in edits.mapping.items():
            if name in RULE_KINDS:
                self._rules(zone, given, name)
            elif name != "exceptions":
                self._set(zone, name, given, (name,), known)
        exceptions = edits.mapping.get("exceptions", Node([], zone.place)).items
        for each in exceptions:
            expression = each.mapping.get("expression")
            if expression is not None and not _closed(expression.text):
                # Otherwise what stands behind the bracket would not end by itself.
                self._say(expression, "this closes a bracket that it does not open", "a whole expression")
        if exceptions:
            rules = _list_in(zone, "rules", edits.place)
            rules[:0] = [made(exempting(_said(each)), each.place) for each in exceptions]
            self._beyond(zone, exceptions, edits.place)

    def _beyond(self, zone: Node, exceptions: list[Node], place: Place) -> None:
        """Rulesets of the account come before the rules of a zone: what passes over them stands in front of them."""
        name = _text(zone, "name")
        rulesets = self.root.mapping.get("rulesets", Node([], place)).items
        ids = [_text(each, "id") for each in rulesets if _holds(each, name)]
        if not ids:
            return
        taken = {_text(each, "id") for each in rulesets}
        number = next(number for number in count(1) if f"exceptions.{number}" not in taken)
        rules = [made(exempting(_said(each), ids), each.place) for each in exceptions]
        ahead: dict[str, Node] = {
            "id": made(f"exceptions.{number}", place),
            "description": made("Exceptions", place),
            "zones": made([name], place),
            "rules": Node(list(rules), place),
        }
        _list_in(self.root, "rulesets", place)[:0] = [Node(ahead, place)]

    def _rules(self, zone: Node, edits: Node, kind: RuleKind) -> None:
        given = edits.mapping
        into = _list_in(zone, kind, edits.place)
        rules = Ordered(into, lambda rule: _ref(kind, rule))
        what = WORDS[kind]
        for node in _items(given, "remove"):
            if not rules.remove(node.text):
                self._say(node, f"the {what} {shown(node.text)} is left out, which the zone does not have", TAKE_BACK)
        for ref, changes in given["change"].mapping.items() if "change" in given else ():
            old = rules.get(ref)
            if old is None:
                self._say(changes, f"the {what} {shown(ref)} is changed, which the zone does not have", TAKE_BACK)
            else:
                rules.replace(ref, Node({**old.mapping, **changes.mapping}, old.place))
        for added in _items(given, "add"):
            self._add(rules, added, kind)
        wanted = _items(given, "order")
        if wanted:
            self._order(rules, wanted, kind)
        into[:] = rules

    def _add(self, rules: Ordered, added: Node, kind: RuleKind) -> None:
        given = added.mapping
        rule = given["rule"]
        ref, what = _ref(kind, rule), WORDS[kind]
        if ref and ref in rules:
            self._say(rule, f"a {what} {shown(ref)} is added, and the zone has one already", TAKE_BACK)
            return
        place: dict[str, str] = {}
        for word in ("before", "after"):
            anchor = given.get(word)
            if anchor is None or anchor.value is None:
                continue
            if anchor.text not in rules:
                told = f"a {what} stands {word} {shown(anchor.text)}, which the zone does not have"
                self._say(anchor, told, TAKE_BACK)
                return
            place = {word: anchor.text}
        rules.insert(rule, **place, first=given.get("first", added).value is True)

    def _order(self, rules: Ordered, wanted: list[Node], kind: RuleKind) -> None:
        """The rules that are named take their places among each other; the others stay where they are."""
        named: dict[str, None] = {}
        for node in wanted:
            if node.text in rules:
                named[node.text] = None
            else:
                told = f"the order of {kind.replace('_', ' ')} names {shown(node.text)}, which the zone does not have"
                self._warn(node, told, "nothing: the others stand in this order")
        rules.order(named)

    def _lists(self, edits: Node) -> None:
        lists = _list_in(self.root, "lists", edits.place)
        known: dict[str, int] = {}
        for at, one in enumerate(lists):
            known.setdefault(_text(one, "name"), at)
        for name, changes in edits.mapping.items():
            place = known.get(name)
            made_of = self._list(name, changes, None if place is None else lists[place])
            if made_of is not None and place is not None:
                lists[place] = made_of
            elif made_of is not None:
                lists.append(made_of)

    def _list(self, name: str, edits: Node, found: Node | None) -> Node | None:
        given = edits.mapping
        if found is None:
            if "kind" not in given:
                self._say(edits, f"changes of the list {shown(name)}, which the configuration does not have", TAKE_BACK)
                return None
            kept: dict[str, Node] = {key: given[key] for key in ("kind", "description") if key in given}
            items = [*_items(given, "items"), *_items(given, "add")]
            return Node({"name": made(name, edits.place), **kept, "items": Node(items, edits.place)}, edits.place)
        if "file" in found.mapping:
            self._say(edits, f"the items of the list {shown(name)} are in a file", "change that file, it is taken over")
            return None
        if "kind" in given:
            self._say(given["kind"], f"a list {shown(name)} is added, and there is one already", TAKE_BACK)
            return None
        before = found.mapping.get("items", Node([], edits.place))
        kept_items = before.items
        if "items" in given and isinstance(given["items"].value, list):
            kept_items = given["items"].items
        gone = {each.value for each in _items(given, "remove") if not isinstance(each.value, dict | list)}
        left = [each for each in kept_items if isinstance(each.value, dict | list) or each.value not in gone]
        items_node = Node([*left, *_items(given, "add")], before.place)
        return Node({**found.mapping, "items": items_node}, found.place)


def expression_of(expression: str, until: int) -> str:
    """The expression of a rule that ends by itself."""
    return f"({expression}) and http.request.timestamp.sec lt {until}"


def _closed(expression: str) -> bool:
    """Whether every bracket that is closed was opened before; those within texts are none."""
    depth = 0
    for character in _TEXT.sub("", expression):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return False
    return True


def exempting(said: Mapping[str, Value], rulesets: Sequence[str] = ()) -> dict[str, Value]:
    """The rule that an exception stands for: in its zone, or with `rulesets` in front of these of the account."""
    expression, until = said.get("expression"), said.get("until")
    ref = said.get("ref")
    parameters: dict[str, Value] = {
        "ruleset": "current",
        "phases": ["http_ratelimit", "http_request_sbfm"],
        "products": ["uaBlock", "securityLevel"],
    }
    if rulesets:
        # Events have the name of each rule that matched, so the two of one exception have different ones.
        ref, parameters = f"{str(ref)[:56]}.account", {"rulesets": list(rulesets)}
    return {
        "ref": ref,
        "description": said.get("description") or "Exception",
        "expression": expression_of(str(expression), int(str(until))),
        "action": "skip",
        "action_parameters": parameters,
    }


def _said(node: Node) -> dict[str, Value]:
    return {name: child.value for name, child in node.mapping.items() if not isinstance(child.value, dict | list)}


def _holds(ruleset: Node, zone: str) -> bool:
    """Whether a ruleset of the account holds for this zone."""
    given = ruleset.mapping
    if "enabled" in given and given["enabled"].value is False:
        return False
    zones = given.get("zones")
    return zones is None or zones.value is None or any(each.text == zone for each in zones.items)


def _list_in(into: Node, name: str, place: Place) -> list[Node]:
    """The list under this key, made when there is none. A list of our own, so that what was read stays as it is."""
    found = into.mapping.get(name)
    if found is None or not isinstance(found.value, list):
        found = Node([], place)
    own = Node(list(found.items), found.place)
    if isinstance(into.value, dict):
        into.value[name] = own
    assert isinstance(own.value, list)
    return own.value


def _items(given: Mapping[str, Node], name: str) -> list[Node]:
    return given[name].items if name in given else []


def _ref(kind: RuleKind, rule: Node) -> str:
    ref = _text(rule, "ref")
    if ref or kind != "access_rules":
        return ref
    configuration = rule.mapping.get("configuration")
    return "" if configuration is None else _text(configuration, "value")


def _text(node: Node, name: str) -> str:
    found = node.mapping.get(name)
    return "" if found is None else found.text
