"""Makes expressions of every form that the grammar has, right ones and nearly right ones, from any source of chance."""

from __future__ import annotations

from random import Random

from botproxy.rules import FIELDS
from botproxy.rules.functions import FUNCTIONS, UNSUPPORTED, Parameter, Takes
from botproxy.rules.types import ARRAY_BYTES, BOOL, BYTES, INT, IP, Kind, Type

NOT_THERE = ("botproxy.", "cf.sequence.", "cf.bot_management.signed_agent")
FIELD_NAMES = sorted(name for name in FIELDS.fields if not name.startswith(NOT_THERE))
SCALARS = (BOOL, BYTES, INT, IP)
OPERATORS = {
    Kind.BYTES: ["eq", "==", "ne", "!=", "lt", "<", "le", "gt", ">=", "contains", "matches", "~", "wildcard",
                 "strict wildcard", "in"],
    Kind.INT: ["eq", "==", "ne", "lt", "<=", "gt", "ge", "&", "bitwise_and", "in"],
    Kind.IP: ["eq", "==", "!=", "lt", "ge", "in"],
    Kind.BOOL: [""],
}  # fmt: skip
EVERY_OPERATOR = sorted({operator for some in OPERATORS.values() for operator in some})
STRINGS = [
    '""', '"a"', '"/api/"', r'"\"\\"', r'"\x41\101"', '"é"', 'r"a"', 'r#"a"b"#', 'r""', "ab:2E:f3", '"\t"', '"a\nb"',
    '"' + "x" * 60 + '"',
]  # fmt: skip
BAD_STRINGS = [
    r'"\q"', r'"\x4"', r'"\400"', "'a'", 'r##"a"#', "r", "01:2e:f3", "1b:2E", "08:2e", "12:34", "01-2E",
    "01.02", "0:1", "01:2", "1", "a", "ab", "ab:",
    "01:02-03", '"a',
]  # fmt: skip
NUMBERS = ["0", "1", "30", "-1", "007", "9223372036854775807", "-9223372036854775808"]
BAD_NUMBERS = [
    "0x1f", "08", "0X1f", "0xg", "-0x1", "9223372036854775808", "-9223372036854775809", "1a", "1.5", "+1", "1_0", "- 1",
    "99999999999999999999", "00x1", "0xffffffffffffffff",
]  # fmt: skip
ADDRESSES = ["1.2.3.4", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1", "2001:DB8::", "::ffff:1.2.3.4"]
MEMBERS = [
    "1.2.3.4/32", "10.0.0.0/8", "10/8", "10.1/16", "::/0", "2001:db8::/32", "1.2.3.4..1.2.3.9", "::1..::2", "1.2.3",
]  # fmt: skip
BAD_ADDRESSES = [
    "256.1.1.1", "1.2.3.4.5", "01.2.3.4", "1::2::3", "fe80::1%eth0", "10.1/8", "10.0.0.0/33", "2001:db8::1/32",
    "1.2.3.9..1.2.3.4", "1.2.3.4..::2", "1.2.3.0/24..1.2.4.0", "10.0.0.0/08", "10.0.0.0/",
    "1.2.3.4 .. 1.2.3.5", "1:2:3:4:5:6:7:8",
    "a:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "1:2", "a:b", "::g",
]  # fmt: skip
PATTERN_PIECES = [
    "a", "b", "é", ".", "^", "$", "|", "(", ")", "(?:", "(?i)", "(?x)", "(?u)", "(?s-m:", "(?R)",
    "(?P<n>", "(?<m>", "*",
    "+", "?", "*?", "{2}", "{2,3}", "{1,}", "{,3}", "{ 2 }", "{1001}", "[", "[^", "]", "-", "&&", "~~",
    "--", "[:alpha:]",
    "[:^digit:]", r"\d", r"\W", r"\b", r"\B", r"\b{start}", r"\<", r"\A", r"\z", r"\x41", r"\xff", r"\x{e9}", r"\pL",
    r"\p{Greek}", r"\n", r"\ ", r"\-", r"\/", r"\1", r"\Q", " ", "#", "\n", "0", "z", "\\", "}", "{",
    "(?=", "(?!a)", ",",
]  # fmt: skip
WILDCARDS = ['"*"', '"a*b"', r'r"\*"', r'r"a\\*"', r'"\\*"', '""', '"/a/*/?"']
BAD_WILDCARDS = ['"**"', r'r"\a"', r'r"a\"', "*", "1"]
LISTS = ["$office", "$cf.malware", "$a_1", "$A", "$", "$.a", "$a.", "$a-b", "$a..b"]
JOINTS = [" and ", " or ", " xor ", " && ", "||", "^^", " and", "\nor\r\n", " not ", " , ", "\tand "]
NOISE = [
    "",
    " ",
    '"',
    "(",
    ")",
    "[*]",
    "[0]",
    '["a"]',
    "1",
    "a",
    ".",
    "\t",
    ",",
    "{",
    "}",
    "not ",
    "!",
    "é",
    "\\",
    "#",
    "-",
]


class Maker:
    """`slips` is how often, out of one, a choice is made that need not be right."""

    def __init__(self, chance: Random, slips: float = 0.04) -> None:
        self.chance = chance
        self.slips = slips

    def expression(self) -> str:
        """A whole expression, sometimes with a few characters of it changed."""
        text = self.logical(self.chance.choice([0, 0, 1, 1, 2]))
        if self.chance.random() < 0.3:
            for _ in range(self.chance.randint(1, 2)):
                at = self.chance.randint(0, len(text))
                text = text[:at] + self.chance.choice(NOISE) + text[at + self.chance.randint(0, 2) :]
        return text

    def slip(self) -> bool:
        return self.chance.random() < self.slips

    def logical(self, depth: int, each: bool = False) -> str:
        """A condition; with `each`, one that gives an array."""
        if depth <= 0:
            return self.simple(each)
        parts = [self.logical(depth - 1, each != self.slip()) for _ in range(self.chance.choice([1, 2, 2, 3]))]
        return self.chance.choice(JOINTS[:6] if not self.slip() else JOINTS).join(parts)

    def simple(self, each: bool) -> str:
        form = self.chance.random()
        if form < 0.1:
            return f"{self.chance.choice(['not ', '!', 'not', '! ! '])}{self.simple(each)}"
        if form < 0.2:
            return f"({self.logical(1, each)})"
        if form < 0.4 and not each:
            inner = self.logical(self.chance.choice([0, 0, 1]), True)
            return f"{self.chance.choice(['any', 'all'])}({inner if self.chance.random() < 0.6 else f'({inner})'})"
        return self.comparison(each)

    def comparison(self, each: bool) -> str:
        kind = self.chance.choice((BYTES, BYTES, INT) if each and not self.slip() else (*SCALARS, *SCALARS[1:]))
        subject = self.value(kind, each, 2)
        operators = EVERY_OPERATOR if self.slip() else OPERATORS[kind.kind]
        operator = self.chance.choice(operators)
        if not operator:
            return subject
        space = " " if self.chance.random() < 0.9 else self.chance.choice(["  ", "\n", " \r\n"])
        behind = space if self.chance.random() < 0.9 else ""
        return f"{subject}{space}{operator}{behind}{self.operand(kind, operator)}"

    def operand(self, kind: Type, operator: str) -> str:
        if self.slip():
            kind = self.chance.choice(SCALARS[1:])
        if operator == "in":
            if self.chance.random() < 0.2:
                return self.chance.choice(LISTS[:3] if not self.slip() else LISTS)
            items = [self.literal(kind, True) for _ in range(self.chance.randint(0, 3))]
            return "{" + self.chance.choice([" ", " ", "\n"] if not self.slip() else [", ", ","]).join(items) + "}"
        if operator in ("matches", "~"):
            source = "".join(self.chance.choice(PATTERN_PIECES) for _ in range(self.chance.randint(0, 4)))
            return f'"{source}"' if self.chance.random() < 0.5 else f'r#"{source}"#'
        if operator.endswith("wildcard"):
            return self.chance.choice(BAD_WILDCARDS if self.slip() else WILDCARDS)
        if self.chance.random() < 0.1 and operator != "contains":
            return self.value(kind, self.slip(), 1)
        return self.literal(kind, False)

    def literal(self, kind: Type, member: bool) -> str:
        choice = self.chance.choice
        if kind == BYTES:
            return choice(BAD_STRINGS if self.slip() else STRINGS)
        if kind == INT:
            number = choice(BAD_NUMBERS if self.slip() else NUMBERS)
            return f"{number}..{choice(NUMBERS[-2:])}" if member and self.chance.random() < 0.3 else number
        return choice(BAD_ADDRESSES if self.slip() else ADDRESSES + MEMBERS if member else ADDRESSES)

    def value(self, kind: Type, each: bool, depth: int) -> str:
        """A field or call of this type, or with `each` one that `[*]` runs through."""
        if self.slip():
            kind = self.chance.choice(SCALARS)
        if depth and self.chance.random() < 0.3:
            fitting = [
                name
                for name, function in FUNCTIONS.items()
                if function.result == kind or (function.result is None and (name != "concat" or kind == BYTES))
            ]
            if fitting:
                text = self.call(self.chance.choice(fitting), kind, each, depth)
                return text + "[*]" if each else text
        wanted = [name for name in FIELD_NAMES if self._holds(FIELDS.fields[name].type, kind, each)]
        name = self.chance.choice(wanted if wanted and not self.slip() else FIELD_NAMES)
        return name + self._indexes(FIELDS.fields[name].type, each)

    def _holds(self, type_: Type, kind: Type, each: bool) -> bool:
        layers = 0
        while type_.item is not None:
            type_, layers = type_.item, layers + 1
        return type_ == kind and (layers > 0 or not each)

    def _indexes(self, type_: Type, each: bool) -> str:
        text = ""
        depth = 0
        while type_.item is not None and not self.slip():
            run = each and (depth == 0 or self.chance.random() < 0.3)
            if each and type_.item.item is not None and self.chance.random() < 0.6:
                run = False
            if each and type_.item.item is None and "[*]" not in text:
                run = True
            text += "[*]" if run else self._key(type_.kind)
            type_, depth = type_.item, depth + 1
        return text

    def _key(self, kind: Kind) -> str:
        if kind is Kind.MAP and not self.slip():
            return self.chance.choice(['["a"]', '["content-type"]', '[ "x" ]', '["\\x41"]'])
        return self.chance.choice(["[0]", "[1]", "[0x1]", "[4294967295]", "[4294967296]" if self.slip() else "[2]"])

    def call(self, name: str, kind: Type, each: bool, depth: int) -> str:
        if self.slip():
            name = self.chance.choice(sorted(UNSUPPORTED))
        function = FUNCTIONS.get(name)
        if function is None:
            return f"{name}({self.value(BYTES, each, 0)})"
        count = self.chance.randint(function.required, len(function.parameters))
        if function.more is not None and self.chance.random() < 0.4:
            count = len(function.parameters) + 1
        if self.slip():
            count = self.chance.randint(0, 4)
        parameters = [*function.parameters, *[function.more or function.parameters[-1]] * 4]
        wanted = kind if function.result is None else None
        arguments = [self.argument(parameters[at], each and at == 0, depth - 1, wanted) for at in range(count)]
        space = self.chance.choice(["", "", "", " "])
        return f"{name}{space}({self.chance.choice([', ', ',', ' , ']).join(arguments)})"

    def argument(self, parameter: Parameter, each: bool, depth: int, wanted: Type | None) -> str:
        types = list(parameter.types)
        if Kind.ARRAY in parameter.kinds:
            types.append(ARRAY_BYTES)
        if Kind.MAP in parameter.kinds and (not types or self.chance.random() < 0.5):
            return self.chance.choice(["http.request.headers", "http.request.cookies", "http.request.uri.args"])
        kind = wanted if wanted is not None and wanted in types else self.chance.choice(types)
        if self.slip():
            kind = self.chance.choice(SCALARS)
        if kind == ARRAY_BYTES:
            return self.chance.choice(
                ["http.request.headers.names", 'http.request.headers["a"]', "http.request.uri.args.values"]
            )
        literal = parameter.takes is Takes.LITERAL or (parameter.takes is Takes.ANY and self.chance.random() < 0.5)
        if literal != self.slip() and kind != BOOL:
            return self.literal(kind, False)
        return self.value(kind, each, depth)
