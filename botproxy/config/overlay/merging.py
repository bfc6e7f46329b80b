"""The configuration with the overlay on top, as one document; and what of the overlay does not fit it any more."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from botproxy.config.document import Document, Place, Value
from botproxy.config.explain import validate
from botproxy.config.overlay import settable
from botproxy.config.overlay.nodes import SECOND, Node, lift, lower, made
from botproxy.config.overlay.shape import Overlay
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
        for name, edits in overlay.mapping.get("lists", Node({}, self.root.place)).mapping.items():
            self._list(name, edits)
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
            if name == "rules":
                self._rules(zone, given)
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
            rules[:0] = [_exempting(each) for each in exceptions]

    def _rules(self, zone: Node, edits: Node) -> None:
        given = edits.mapping
        rules = _list_in(zone, "rules", edits.place)
        for node in _items(given, "remove"):
            at = _find(rules, node.text)
            if at is None:
                self._say(node, f"the rule {shown(node.text)} is left out, which the zone does not have", TAKE_BACK)
            else:
                del rules[at]
        for ref, changes in given["change"].mapping.items() if "change" in given else ():
            at = _find(rules, ref)
            if at is None:
                self._say(changes, f"the rule {shown(ref)} is changed, which the zone does not have", TAKE_BACK)
            else:
                old = rules[at]
                rules[at] = Node({**old.mapping, **changes.mapping}, old.place)
        for added in _items(given, "add"):
            self._add(rules, added)
        wanted = _items(given, "order")
        if wanted:
            self._order(rules, wanted)

    def _add(self, rules: list[Node], added: Node) -> None:
        given = added.mapping
        rule = given["rule"]
        ref = rule.mapping["ref"].text if "ref" in rule.mapping else ""
        if ref and _find(rules, ref) is not None:
            self._say(rule, f"a rule {shown(ref)} is added, and the zone has one already", TAKE_BACK)
            return
        at = len(rules)
        if given.get("first", added).value is True:
            at = 0
        for word in ("before", "after"):
            anchor = given.get(word)
            if anchor is None or anchor.value is None:
                continue
            found = _find(rules, anchor.text)
            if found is None:
                what = f"a rule stands {word} {shown(anchor.text)}, which the zone does not have"
                self._say(anchor, what, TAKE_BACK)
                return
            at = found if word == "before" else found + 1
        rules.insert(at, rule)

    def _order(self, rules: list[Node], wanted: list[Node]) -> None:
        """The rules that are named take their places among each other; the others stay where they are."""
        named: list[str] = []
        for node in wanted:
            if _find(rules, node.text) is None:
                what = f"the order of rules names {shown(node.text)}, which the zone does not have"
                self._warn(node, what, "nothing: the others stand in this order")
            elif node.text not in named:
                named.append(node.text)
        by_ref = {_ref(rule): rule for rule in rules}
        places = [at for at, rule in enumerate(rules) if _ref(rule) in named]
        for at, ref in zip(places, named, strict=False):
            rules[at] = by_ref[ref]

    def _list(self, name: str, edits: Node) -> None:
        lists = _list_in(self.root, "lists", edits.place)
        given = edits.mapping
        found = next((one for one in lists if _text(one, "name") == name), None)
        if found is None:
            if "kind" not in given:
                self._say(edits, f"changes of the list {shown(name)}, which the configuration does not have", TAKE_BACK)
                return
            kept: dict[str, Node] = {key: given[key] for key in ("kind", "description") if key in given}
            items = [*_items(given, "items"), *_items(given, "add")]
            lists.append(
                Node({"name": made(name, edits.place), **kept, "items": Node(items, edits.place)}, edits.place)
            )
            return
        if "file" in found.mapping:
            self._say(edits, f"the items of the list {shown(name)} are in a file", "change that file, it is taken over")
            return
        if "kind" in given:
            self._say(given["kind"], f"a list {shown(name)} is added, and there is one already", TAKE_BACK)
            return
        before = found.mapping.get("items", Node([], edits.place))
        kept_items = before.items
        if "items" in given and isinstance(given["items"].value, list):
            kept_items = given["items"].items
        gone = {each.value for each in _items(given, "remove") if not isinstance(each.value, dict | list)}
        left = [each for each in kept_items if isinstance(each.value, dict | list) or each.value not in gone]
        at = lists.index(found)
        items_node = Node([*left, *_items(given, "add")], before.place)
        lists[at] = Node({**found.mapping, "items": items_node}, found.place)


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


def exempting(said: Mapping[str, Value]) -> dict[str, Value]:
    """The rule that an exception stands for."""
    expression, until = said.get("expression"), said.get("until")
    return {
        "ref": said.get("ref"),
        "description": said.get("description") or "Exception",
        "expression": expression_of(str(expression), int(str(until))),
        "action": "skip",
        "action_parameters": {
            "ruleset": "current",
            "phases": ["http_ratelimit", "http_request_sbfm"],
            "products": ["uaBlock", "securityLevel"],
        },
    }


def _exempting(node: Node) -> Node:
    said: dict[str, Value] = {
        name: child.value for name, child in node.mapping.items() if not isinstance(child.value, dict | list)
    }
    return made(exempting(said), node.place)


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


def _find(rules: list[Node], ref: str) -> int | None:
    return next((at for at, rule in enumerate(rules) if _ref(rule) == ref), None)


def _ref(rule: Node) -> str:
    return _text(rule, "ref")


def _text(node: Node, name: str) -> str:
    found = node.mapping.get(name)
    return "" if found is None else found.text
