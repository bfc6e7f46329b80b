"""Text to typed tree: recursive descent with types checked on the way, so that what parses cannot fail later."""

from __future__ import annotations

from typing import Final

from botproxy.rules.arguments import Parsed, check_argument, check_values, literal_argument
from botproxy.rules.cursor import Cursor
from botproxy.rules.functions import FUNCTIONS, UNSUPPORTED, Function
from botproxy.rules.lists import Lists
from botproxy.rules.names import identifier, index_key, name_ahead
from botproxy.rules.operands import operand, operator, operators_of
from botproxy.rules.scheme import Scheme
from botproxy.rules.tree import (
    EACH,
    RELATIONS,
    Access,
    Argument,
    Call,
    Compare,
    Field,
    Key,
    Logic,
    LogicOp,
    Node,
    Not,
    Op,
    Quantified,
    Truth,
    type_of,
)
from botproxy.rules.types import ARRAY_BOOL, BOOL, Kind, array

MAX_CHARACTERS: Final = 4096
MAX_DEPTH: Final = 128

_LOGIC: Final = (
    ("and", LogicOp.AND),
    ("&&", LogicOp.AND),
    ("xor", LogicOp.XOR),
    ("^^", LogicOp.XOR),
    ("or", LogicOp.OR),
    ("||", LogicOp.OR),
)


def parse(text: str, scheme: Scheme, lists: Lists) -> Node:
    """Read a whole expression of type Bool; raises RuleError and nothing else."""
    return _Parser(_cursor(text), scheme, lists).whole()


def parse_value(text: str, scheme: Scheme, lists: Lists) -> Argument:
    """Read a whole expression of any type but a literal; raises RuleError and nothing else."""
    return _Parser(_cursor(text), scheme, lists).whole_value()


def _cursor(text: str) -> Cursor:
    cursor = Cursor(text)
    if len(text) > MAX_CHARACTERS:
        cursor.fail(f"an expression has at most {MAX_CHARACTERS} characters, this one {len(text)}", 0, 1)
    for at, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            cursor.fail("a lone surrogate is no text", at, at + 1)
    return cursor


class _Parser:
    def __init__(self, cursor: Cursor, scheme: Scheme, lists: Lists) -> None:
        self.cursor = cursor
        self.scheme = scheme
        self.lists = lists
        self.depth = 0

    def whole(self) -> Node:
        cursor = self.cursor
        cursor.skip_surroundings()
        if not cursor.peek():
            cursor.fail("an expression is missing")
        start = cursor.at
        node = self._logical(1)
        end = cursor.at
        cursor.skip_surroundings()
        if cursor.peek():
            cursor.fail("unrecognised input", end)
        if type_of(node) != BOOL:
            cursor.fail(f"expected value of type Bool, but got {type_of(node)}", start, end)
        return node

    def whole_value(self) -> Argument:
        cursor = self.cursor
        cursor.skip_surroundings()
        start = cursor.at
        if not cursor.peek() or literal_argument(cursor) is not None:
            cursor.fail("expected a field, a function or a condition", start, max(cursor.at, start + 1))
        node = self._argument().node
        end = cursor.at
        cursor.skip_surroundings()
        if cursor.peek():
            cursor.fail("unrecognised input", end)
        return node

    def _enter(self, start: int) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.cursor.fail(f"maximum nesting depth exceeded (limit: {MAX_DEPTH})", start)

    def _logical(self, floor: int) -> Node:
        cursor = self.cursor
        left = self._simple()
        while True:
            before = cursor.at
            op = self._logic_operator()
            if op is None or op.value < floor:
                cursor.at = before
                return left
            items = [left]
            while True:
                right = self._logical(op.value + 1)
                if type_of(right) != type_of(left):
                    cursor.fail(
                        f"expected value of type {type_of(left)}, but got {type_of(right)}", cursor.at, cursor.at + 1
                    )
                items.append(right)
                again = cursor.at
                if self._logic_operator() is not op:
                    cursor.at = again
                    break
            left = Logic(op, tuple(items))

    def _logic_operator(self) -> LogicOp | None:
        self.cursor.skip_space()
        for token, op in _LOGIC:
            if self.cursor.take(token):
                return op
        return None

    def _simple(self) -> Node:
        """A comparison, a boolean value, a group, or any number of negations before one of them."""
        cursor = self.cursor
        depth = self.depth
        negated = 0
        cursor.skip_space()
        while cursor.take("!") or cursor.take("not"):
            negated += 1
            self._enter(cursor.at)
            cursor.skip_space()
        start = cursor.at
        if cursor.take("("):
            self._enter(start)
            node = self._logical(1)
            cursor.skip_space()
            cursor.expect(")")
        else:
            node = self._quantified() or self._comparison(self._access())
        self.depth = depth
        # Two negations say nothing, for arrays as for single values.
        return Not(node) if negated % 2 else node

    def _logic_ahead(self) -> bool:
        cursor = self.cursor
        return cursor.ahead("(") or cursor.ahead("!") or cursor.ahead("not")

    def _quantified(self) -> Node | None:
        cursor = self.cursor
        start = cursor.at
        for word in ("any", "all"):
            if not cursor.take(word):
                continue
            cursor.skip_space()
            if not cursor.take("("):
                break
            self._enter(start)
            cursor.skip_space()
            begin = cursor.at
            # As in the original: a chain of operators must begin with a negation or a parenthesis here.
            chain = self._logic_ahead()
            item = self._logical(1) if chain else self._simple()
            given = type_of(item)
            if not chain and isinstance(item, Truth) and item.subject.each:
                given = item.subject.type  # and `[*]` behind an array of Bool needs a parenthesis around it
            if given != ARRAY_BOOL:
                cursor.fail(f"expected value of type Array<Bool>, but got {given}", begin, cursor.at)
            cursor.skip_space()
            cursor.expect(")")
            self.depth -= 1
            return Quantified(word == "all", item)
        cursor.at = start
        return None

    def _comparison(self, subject: Access) -> Node:
        cursor = self.cursor
        if subject.type in (BOOL, ARRAY_BOOL):
            return Truth(subject)
        cursor.skip_space()
        start = cursor.at
        op = operator(cursor)
        if op is None:
            cursor.fail("expected ComparisonOp", start)
        other = self._other(subject, op)
        if other is not None:
            kind = ARRAY_BOOL if subject.each else BOOL
            return Truth(Access(Call(op.value, (subject, other), kind, subject.each > 0), (), kind, 0))
        return Compare(subject, op, operand(cursor, subject.type, op, start, self.lists))

    def _other(self, subject: Access, op: Op) -> Access | None:
        """A field or call behind the operator, where there is one; None, and nothing but space taken, otherwise."""
        cursor = self.cursor
        if op.value not in RELATIONS or op not in operators_of(subject.type):
            return None
        cursor.skip_space()
        begin = cursor.at
        name = name_ahead(cursor)
        if name not in self.scheme.fields and name not in FUNCTIONS and name not in UNSUPPORTED:
            return None
        other = self._access()
        if other.each or other.type != subject.type:
            given = array(other.type) if other.each else other.type
            cursor.fail(f"expected value of type {subject.type}, but got {given}", begin, cursor.at)
        return other

    def _access(self) -> Access:
        cursor = self.cursor
        start = cursor.at
        name = identifier(cursor)
        base: Field | Call
        spec = self.scheme.fields.get(name)
        if spec is not None:
            base = Field(spec.name, spec.type)
            kind = spec.type
        elif name in FUNCTIONS:
            call = self._call(name, FUNCTIONS[name], start)
            base, kind = call, call.type
        else:
            reason = "unknown identifier"
            if name in UNSUPPORTED:
                reason = f"the function {name} is not supported: {UNSUPPORTED[name]}"
            cursor.fail(reason, start, cursor.at)
        path: list[Key] = []
        each = 0
        while cursor.ahead("["):
            begin = cursor.at
            key = index_key(cursor)
            if kind.item is None or (
                (kind.kind is Kind.ARRAY and isinstance(key, bytes)) or (kind.kind is Kind.MAP and isinstance(key, int))
            ):
                shown = (
                    "MapEach" if key is EACH else f"MapKey({key!r})" if isinstance(key, bytes) else f"ArrayIndex({key})"
                )
                cursor.fail(f"cannot access index {shown} for type {kind}", begin, cursor.at)
            path.append(key)
            each += key is EACH
            kind = kind.item
        return Access(base, tuple(path), kind, each)

    def _call(self, name: str, function: Function, start: int) -> Call:
        cursor = self.cursor
        cursor.skip_space()
        cursor.expect("(")
        self._enter(start)
        arguments: list[Parsed] = []
        spans: list[tuple[int, int]] = []
        cursor.skip_space()
        while not cursor.ahead(")"):
            if arguments:
                cursor.expect(",")
                cursor.skip_space()
            begin = cursor.at
            position = len(arguments)
            parameter = function.parameters[position] if position < len(function.parameters) else function.more
            if parameter is None:
                cursor.fail("invalid number of arguments", begin)
            parsed = self._argument()
            check_argument(
                cursor, parsed, parameter, position, arguments[0] if function.alike and arguments else None, begin
            )
            arguments.append(parsed)
            spans.append((begin, cursor.at))
            cursor.skip_space()
        if len(arguments) < function.required:
            cursor.fail("invalid number of arguments")
        cursor.at += 1
        self.depth -= 1
        check_values(cursor, name, function, arguments, spans)
        mapped = arguments[0].each
        result = function.result or arguments[0].type
        nodes = tuple(parsed.node for parsed in arguments)
        return Call(name, nodes, array(result) if mapped else result, mapped)

    def _argument(self) -> Parsed:
        cursor = self.cursor
        literal = literal_argument(cursor)
        if literal is not None:
            return Parsed(literal, literal.type, True, False)
        if self._logic_ahead():
            node = self._logical(1)
            return Parsed(node, type_of(node), False, False)
        quantified = self._quantified()
        if quantified is not None:
            return Parsed(quantified, BOOL, False, False)
        access = self._access()
        before = cursor.at
        if access.type.kind not in (Kind.BOOL, Kind.ARRAY, Kind.MAP):
            cursor.skip_space()
            if operator(cursor) is not None:
                cursor.at = before
                comparison = self._comparison(access)
                return Parsed(comparison, type_of(comparison), False, False)
            cursor.at = before
        return Parsed(access, access.type, False, access.each > 0)
