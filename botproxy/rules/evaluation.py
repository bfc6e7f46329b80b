"""Typed tree to closures. Every closure answers for any facts; a missing value makes a comparison false."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

from botproxy.model import Facts
from botproxy.rules.functions import FUNCTIONS
from botproxy.rules.lists import NamedList
from botproxy.rules.patterns import searcher
from botproxy.rules.scheme import Scheme
from botproxy.rules.text_functions import look_up, parse_json
from botproxy.rules.tree import (
    EACH,
    RELATIONS,
    Access,
    Argument,
    Call,
    Compare,
    Field,
    Key,
    Literal,
    LogicOp,
    Node,
    Not,
    Op,
    Pattern,
    Quantified,
    Truth,
    type_of,
)
from botproxy.rules.types import BOOL, Kind, Reader, Type

# What arrays are made of; everything else that `[*]` meets is a map, and asking for `Mapping` is slow.
_SEQUENCES: Final = (list, tuple)


def _ordered_alike(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compared(one: Any, other: Any) -> bool:
        # Addresses of two families have no order.
        if isinstance(one, IPv4Address | IPv6Address) and one.version != other.version:
            return False
        return compare(one, other)

    return compared


_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    Op.EQ.value: operator.eq,
    Op.NE.value: operator.ne,
    Op.LT.value: _ordered_alike(operator.lt),
    Op.LE.value: _ordered_alike(operator.le),
    Op.GT.value: _ordered_alike(operator.gt),
    Op.GE.value: _ordered_alike(operator.ge),
    Op.BITWISE_AND.value: lambda one, other: one & other != 0,
}

Matcher = Callable[[Facts], bool]
Elements = Callable[[Facts], "Sequence[bool] | None"]
Test = Callable[[Any], bool]


def matcher(node: Node, scheme: Scheme) -> Matcher:
    """The closure of a node of type Bool."""
    if isinstance(node, Compare):
        return _compare(reader(node.subject, scheme), test_of(node))
    if isinstance(node, Truth):
        read = reader(node.subject, scheme)
        return lambda facts: read(facts) is True
    if isinstance(node, Not):
        inner = matcher(node.item, scheme)
        return lambda facts: not inner(facts)
    if isinstance(node, Quantified):
        return _quantified(node, scheme)
    parts = [matcher(item, scheme) for item in node.items]
    if node.op is LogicOp.AND:
        return _all(parts)
    return _any(parts) if node.op is LogicOp.OR else _odd(parts)


def _compare(read: Reader, test: Test) -> Matcher:
    def compare(facts: Facts) -> bool:
        value = read(facts)
        return value is not None and test(value)

    return compare


def _all(parts: list[Matcher]) -> Matcher:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) and second(facts)

    def every(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110  a generator costs more than the tests
            if not part(facts):
                return False
        return True

    return every


def _any(parts: list[Matcher]) -> Matcher:
    if len(parts) == 2:
        first, second = parts
        return lambda facts: first(facts) or second(facts)

    def some(facts: Facts) -> bool:
        for part in parts:  # noqa: SIM110
            if part(facts):
                return True
        return False

    return some


def _odd(parts: list[Matcher]) -> Matcher:
    def odd(facts: Facts) -> bool:
        result = False
        for part in parts:
            result ^= part(facts)
        return result

    return odd


def _is_direct(node: Node) -> bool:
    """Whether this is an array of Bool itself, and no comparison of what an array holds."""
    if not isinstance(node, Truth) or node.subject.each:
        return False
    return not isinstance(node.subject.base, Call) or node.subject.base.function not in RELATIONS


def _quantified(node: Quantified, scheme: Scheme) -> Matcher:
    every = node.every
    values = elements(node.item, scheme)
    direct = _is_direct(node.item)

    def quantified(facts: Facts) -> bool:
        found = values(facts)
        if found is None:
            # Over a missing array a comparison gives no elements, which are all true; a missing array of Bool is false.
            return every and not direct
        return all(found) if every else any(found)

    return quantified


def elements(node: Node, scheme: Scheme) -> Elements:
    """The closure of a node of type Array<Bool>."""
    if isinstance(node, Compare):
        read, test = reader(node.subject, scheme), test_of(node)

        def compare(facts: Facts) -> Sequence[bool] | None:
            values = read(facts)
            return None if values is None else [test(value) for value in values]

        return compare
    if isinstance(node, Truth):
        return reader(node.subject, scheme)
    if isinstance(node, Not):
        inner = elements(node.item, scheme)
        return lambda facts: [not value for value in inner(facts) or ()]
    if isinstance(node, Quantified):
        raise TypeError("a quantifier gives one value")
    return _combined(node.op, [elements(item, scheme) for item in node.items])


def _combined(op: LogicOp, parts: list[Elements]) -> Elements:
    def combined(facts: Facts) -> Sequence[bool]:
        rows = zip(*[part(facts) or () for part in parts], strict=False)
        if op is LogicOp.AND:
            return [all(row) for row in rows]
        return [any(row) for row in rows] if op is LogicOp.OR else [sum(row) % 2 == 1 for row in rows]

    return combined


def test_of(node: Compare) -> Test:
    """What a comparison asks of one value that is not missing."""
    op, wanted = node.op, node.operand
    if isinstance(wanted, Pattern):
        return searcher(wanted.regex)
    value: Any = wanted.members if isinstance(wanted, NamedList) else wanted
    if op is Op.IN:
        return lambda given: given in value
    if op is Op.CONTAINS:
        return lambda given: value in given
    if op is Op.EQ:
        return lambda given: bool(given == value)
    if op is Op.NE:
        return lambda given: bool(given != value)
    if op is Op.BITWISE_AND:
        return lambda given: given & value != 0
    return _ordered(op, value)


def _ordered(op: Op, wanted: Any) -> Test:
    if not isinstance(wanted, bytes | int):
        # Addresses of two families have no order, so only "ne" can be true of them.
        same, number = wanted.version, int(wanted)
        inner = _ordered(op, number)
        return lambda given: given.version == same and inner(int(given))
    if op is Op.LT:
        return lambda given: bool(given < wanted)
    if op is Op.LE:
        return lambda given: bool(given <= wanted)
    if op is Op.GT:
        return lambda given: bool(given > wanted)
    return lambda given: bool(given >= wanted)


def reader(access: Access, scheme: Scheme) -> Reader:
    """The closure that reads a value, or the list of values that `[*]` runs through; None when missing."""
    base = access.base
    read = scheme.fields[base.name].read if isinstance(base, Field) else _call(base, scheme)
    path = access.path
    at = path.index(EACH) if EACH in path else len(path)
    held: Type | None = base.type
    for key in path[:at]:
        read = _index(read, key)
        held = held.item if held is not None else None
    if path[at:] == (EACH,) and held is not None and held.kind is Kind.ARRAY:
        return read  # an array is the list of its values
    return _expand(read, path[at:]) if at < len(path) else read


def _index(read: Reader, key: Key) -> Reader:
    if isinstance(key, bytes):

        def lookup(facts: Facts) -> Any:
            value = read(facts)
            return None if value is None else value.get(key)

        return lookup
    position: Any = key

    def pick(facts: Facts) -> Any:
        value = read(facts)
        return value[position] if value is not None and position < len(value) else None

    return pick


def _expand(read: Reader, path: tuple[Key, ...]) -> Reader:
    if path == (EACH,):

        def every(facts: Facts) -> Any:
            value = read(facts)
            return value if value is None or isinstance(value, _SEQUENCES) else list(value.values())

        return every

    def expand(facts: Facts) -> Any:
        value = read(facts)
        if value is None:
            return None
        values = [value]
        for key in path:
            values = _step(values, key)
        return values

    return expand


def _step(values: list[Any], key: Key) -> list[Any]:
    result: list[Any] = []
    for value in values:
        if key is EACH:
            result.extend(value if isinstance(value, _SEQUENCES) else value.values())
        elif isinstance(key, bytes):
            if key in value:
                result.append(value[key])
        elif isinstance(key, int) and key < len(value):
            result.append(value[key])
    return result


def _argument(argument: Argument, scheme: Scheme) -> Reader:
    if isinstance(argument, Literal):
        value = argument.value
        return lambda facts: value
    if isinstance(argument, Access):
        return reader(argument, scheme)
    return matcher(argument, scheme) if type_of(argument) == BOOL else elements(argument, scheme)


def _relation(call: Call, scheme: Scheme) -> Reader:
    """Two values of a request held against each other; false where either is missing."""
    first, second = (_argument(argument, scheme) for argument in call.arguments)
    holds = _HOLDS[call.function]

    def relation(facts: Facts) -> Any:
        one, other = first(facts), second(facts)
        return one is not None and other is not None and holds(one, other)

    def each(facts: Facts) -> Any:
        values, other = first(facts) or (), second(facts)
        return [other is not None and holds(value, other) for value in values]

    return each if call.mapped else relation


def _from_document(read: Reader, keys: tuple[Any, ...], make: Callable[[Any], Any]) -> Reader:
    def from_document(facts: Facts) -> Any:
        text = read(facts)
        if text is None:
            return None
        # One document a request is remembered: all lookups in a body read the same one.
        memo: dict[str, Any] = facts.memo
        known = memo.get("rules.json")
        if known is None or known[0] is not text:
            known = memo["rules.json"] = (text, parse_json(text))
        return make(look_up(known[1], keys))

    return from_document


def _call(call: Call, scheme: Scheme) -> Reader:
    if call.function in RELATIONS:
        return _relation(call, scheme)
    function = FUNCTIONS[call.function]
    run = function.call
    total = function.total
    first = _argument(call.arguments[0], scheme)
    others = call.arguments[1:]
    if not call.mapped and not total and all(isinstance(other, Literal) for other in others):
        constants = tuple(other.value for other in others if isinstance(other, Literal))
        if function.of_document is not None:
            return _from_document(first, constants, function.of_document)

        def simple(facts: Facts) -> Any:
            value = first(facts)
            return None if value is None else run(value, constants)

        return simple
    readers = [_argument(other, scheme) for other in others]

    def general(facts: Facts) -> Any:
        value = first(facts)
        if value is None and (call.mapped or not total):
            return None
        rest = tuple([read(facts) for read in readers])
        if not total and None in rest:
            return None
        if call.mapped:
            results = [run(item, rest) for item in value]
            return [result for result in results if result is not None]
        return run(value, rest)

    return general
