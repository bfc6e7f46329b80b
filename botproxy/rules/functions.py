"""The functions that filters may call: what they take, what they give, and what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, NamedTuple

from botproxy.model import Address
from botproxy.rules import hmac_token, text_functions, transforms
from botproxy.rules.transforms import ReplacementFault
from botproxy.rules.types import ARRAY_BYTES, BOOL, BYTES, INT, IP, Kind, Type

Implementation = Callable[[Any, tuple[Any, ...]], Any]
"""Takes the first argument and the others. Missing arguments never arrive, unless the function is `total`."""


class Takes(Enum):
    """What may stand in the place of an argument."""

    FIELD = "Field"  # a field or anything computed
    LITERAL = "Literal"
    ANY = "Any"


class Parameter(NamedTuple):
    """One parameter: what it takes, and the types that it accepts ("kinds" are outermost constructors)."""

    takes: Takes
    types: tuple[Type, ...] = ()
    kinds: tuple[Kind, ...] = ()

    def accepts(self, given: Type) -> bool:
        """Whether a value of this type fits."""
        return given in self.types or given.kind in self.kinds

    def expected(self) -> str:
        """The types, as an error names them."""
        return " or ".join([str(item) for item in self.types] + [f"{kind.value}<_>" for kind in self.kinds])


class Function(NamedTuple):
    """A function of the language.

    `required` parameters out of `parameters` must be given; `more` describes any number of further ones. With
    `alike`, all arguments have the first one's type. `check` looks at the literals (None for what is computed) and
    gives the position and fault of the first that cannot be. With `of_document`, the first argument is JSON that is
    parsed once for all calls, the others lead to a value in it, and this makes the result of that.
    """

    parameters: tuple[Parameter, ...]
    required: int
    result: Type | None  # None: the type of the first argument
    call: Implementation
    more: Parameter | None = None
    alike: bool = False
    total: bool = False
    check: Callable[[Sequence[Any]], tuple[int, str] | None] | None = None
    of_document: Callable[[Any], Any] | None = None


_FIELD_BYTES: Final = Parameter(Takes.FIELD, (BYTES,))
_ANY_BYTES: Final = Parameter(Takes.ANY, (BYTES,))
_LITERAL_BYTES: Final = Parameter(Takes.LITERAL, (BYTES,))
_LITERAL_INT: Final = Parameter(Takes.LITERAL, (INT,))
_JSON_KEY: Final = Parameter(Takes.LITERAL, (BYTES, INT))
_SCALAR: Final = Parameter(Takes.ANY, (BOOL, INT, IP, BYTES))
_JOINABLE: Final = Parameter(Takes.ANY, (BYTES,), (Kind.ARRAY,))


def _network(address: Address, v4_bits: int, v6_bits: int) -> Address:
    if isinstance(address, IPv4Address):
        return IPv4Address(int(address) >> (32 - v4_bits) << (32 - v4_bits))
    return IPv6Address(int(address) >> (128 - v6_bits) << (128 - v6_bits))


def _cidr6(address: Address, bits: int) -> Address:
    return _network(address, 32, bits)


def _check_bits(literals: Sequence[Any]) -> tuple[int, str] | None:
    limits = (32, 128) if len(literals) == 3 else (128,)
    for position, limit in enumerate(limits, 1):
        if not 0 <= literals[position] <= limit:
            return position, f"a prefix length here is 0 to {limit}"
    return None


def _check_decode(literals: Sequence[Any]) -> tuple[int, str] | None:
    if len(literals) > 1 and not set(literals[1]) <= set(b"ru"):
        return 1, 'options are "r" (recursive) and "u" (%uXXXX)'
    return None


def _check_keys(literals: Sequence[Any]) -> tuple[int, str] | None:
    for position, key in enumerate(literals[1:], 1):
        if isinstance(key, int) and key < 0:
            return position, "positions count from zero"
    return None


def _check_hmac(literals: Sequence[Any]) -> tuple[int, str] | None:
    if not literals[0]:
        return 0, "an empty key signs nothing"
    if literals[2] < 1:
        return 2, "a lifetime is at least one second"
    if len(literals) > 4 and not 0 <= literals[4] <= 255:
        return 4, "the length of the separator is 0 to 255"
    if len(literals) > 5 and literals[5] not in (b"", b"s"):
        return 5, 'the only flag is "s" (URL-safe, unpadded)'
    return None


def _check_base64(literals: Sequence[Any]) -> tuple[int, str] | None:
    if len(literals) > 1 and not set(literals[1]) <= set(b"up"):
        return 1, 'flags are "u" (URL-safe) and "p" (padding)'
    return None


def _check_split(literals: Sequence[Any]) -> tuple[int, str] | None:
    if not literals[1]:
        return 1, "the separator cannot be empty"
    return None if 1 <= literals[2] <= 128 else (2, "a limit is 1 to 128")


def _check_regex(literals: Sequence[Any]) -> tuple[int, str] | None:
    try:
        transforms.check_regex_replace(literals[1], literals[2])
    except ReplacementFault as fault:
        return 1, str(fault)
    return None


def _check_wildcard(literals: Sequence[Any]) -> tuple[int, str] | None:
    if len(literals) > 3 and literals[3] not in (b"", b"s"):
        return 3, 'the only flag is "s" (case-sensitive)'
    try:
        transforms.check_wildcard_replace(literals[1], literals[2])
    except ReplacementFault as fault:
        return 1, str(fault)
    return None


def _concat(first: Any, rest: tuple[Any, ...]) -> Any:
    return transforms.concat([value for value in (first, *rest) if value is not None])


def _coalesce(first: Any, rest: tuple[Any, ...]) -> Any:
    return next((value for value in (first, *rest) if value is not None), None)


def _has_value(container: Any, value: Any) -> bool:
    return value in (container.values() if isinstance(container, Mapping) else container)


def _decode(value: bytes, options: tuple[Any, ...]) -> bytes:
    given: bytes = options[0] if options else b""
    return text_functions.url_decode(value, b"r" in given, b"u" in given)


def _hmac(key: bytes, rest: tuple[Any, ...]) -> bool:
    token, lifetime, now = rest[:3]
    separator = rest[3] if len(rest) > 3 else 0
    return hmac_token.is_valid(key, token, lifetime, now, separator, len(rest) > 4 and rest[4] == b"s")


FUNCTIONS: Final[Mapping[str, Function]] = {
    "lower": Function((_FIELD_BYTES,), 1, BYTES, lambda value, _: value.lower()),
    "upper": Function((_FIELD_BYTES,), 1, BYTES, lambda value, _: value.upper()),
    "starts_with": Function((_FIELD_BYTES, _ANY_BYTES), 2, BOOL, lambda value, rest: value.startswith(rest[0])),
    "ends_with": Function((_FIELD_BYTES, _ANY_BYTES), 2, BOOL, lambda value, rest: value.endswith(rest[0])),
    "len": Function((Parameter(Takes.FIELD, (BYTES,), (Kind.ARRAY,)),), 1, INT, lambda value, _: len(value)),
    "concat": Function((_JOINABLE, _JOINABLE), 2, None, _concat, more=_JOINABLE, alike=True, total=True),
    "substring": Function(
        (_FIELD_BYTES, _LITERAL_INT, _LITERAL_INT),
        2,
        BYTES,
        lambda value, rest: text_functions.substring(value, rest[0], rest[1] if len(rest) > 1 else None),
    ),
    "url_decode": Function((_FIELD_BYTES, _LITERAL_BYTES), 1, BYTES, _decode, check=_check_decode),
    "remove_bytes": Function(
        (_FIELD_BYTES, _LITERAL_BYTES), 2, BYTES, lambda value, rest: text_functions.remove_bytes(value, rest[0])
    ),
    "lookup_json_string": Function(
        (_FIELD_BYTES, _JSON_KEY),
        2,
        BYTES,
        lambda value, keys: text_functions.json_string(text_functions.look_up(text_functions.parse_json(value), keys)),
        more=_JSON_KEY,
        check=_check_keys,
        of_document=text_functions.json_string,
    ),
    "lookup_json_integer": Function(
        (_FIELD_BYTES, _JSON_KEY),
        2,
        INT,
        lambda value, keys: text_functions.json_integer(text_functions.look_up(text_functions.parse_json(value), keys)),
        more=_JSON_KEY,
        check=_check_keys,
        of_document=text_functions.json_integer,
    ),
    "cidr": Function(
        (Parameter(Takes.FIELD, (IP,)), _LITERAL_INT, _LITERAL_INT),
        3,
        IP,
        lambda address, rest: _network(address, rest[0], rest[1]),
        check=_check_bits,
    ),
    "cidr6": Function(
        (Parameter(Takes.FIELD, (IP,)), _LITERAL_INT),
        2,
        IP,
        lambda address, rest: _cidr6(address, rest[0]),
        check=_check_bits,
    ),
    "decode_base64": Function((_FIELD_BYTES,), 1, BYTES, lambda value, _: text_functions.decode_base64(value)),
    "join": Function(
        (Parameter(Takes.FIELD, (ARRAY_BYTES,)), _LITERAL_BYTES),
        2,
        BYTES,
        lambda value, rest: transforms.join(value, rest[0]),
    ),
    "has_key": Function(
        (Parameter(Takes.FIELD, (), (Kind.MAP,)), _ANY_BYTES), 2, BOOL, lambda container, rest: rest[0] in container
    ),
    "has_value": Function(
        (Parameter(Takes.FIELD, (), (Kind.ARRAY, Kind.MAP)), _SCALAR),
        2,
        BOOL,
        lambda container, rest: _has_value(container, rest[0]),
    ),
    "coalesce": Function((_SCALAR, _SCALAR), 2, None, _coalesce, more=_SCALAR, alike=True, total=True),
    "to_string": Function(
        (Parameter(Takes.FIELD, (BOOL, INT, IP)),), 1, BYTES, lambda value, _: transforms.to_string(value)
    ),
    "encode_base64": Function(
        (_ANY_BYTES, _LITERAL_BYTES),
        1,
        BYTES,
        lambda value, rest: transforms.encode_base64(value, rest[0] if rest else b""),
        check=_check_base64,
    ),
    "sha256": Function((_ANY_BYTES,), 1, BYTES, lambda value, _: transforms.sha256(value)),
    "sha512": Function((_ANY_BYTES,), 1, BYTES, lambda value, _: transforms.sha512(value)),
    "uuidv4": Function((_FIELD_BYTES,), 1, BYTES, lambda value, _: transforms.uuidv4(value)),
    "split": Function(
        (_FIELD_BYTES, _LITERAL_BYTES, _LITERAL_INT),
        3,
        ARRAY_BYTES,
        lambda value, rest: transforms.split(value, rest[0], rest[1]),
        check=_check_split,
    ),
    "remove_query_args": Function(
        (_FIELD_BYTES, _LITERAL_BYTES), 2, BYTES, transforms.remove_query_args, more=_LITERAL_BYTES
    ),
    "regex_replace": Function(
        (_FIELD_BYTES, _LITERAL_BYTES, _LITERAL_BYTES),
        3,
        BYTES,
        lambda value, rest: transforms.regex_replace(value, rest[0], rest[1]),
        check=_check_regex,
    ),
    "wildcard_replace": Function(
        (_FIELD_BYTES, _LITERAL_BYTES, _LITERAL_BYTES, _LITERAL_BYTES),
        3,
        BYTES,
        lambda value, rest: transforms.wildcard_replace(value, rest[0], rest[1], rest[2] if len(rest) > 2 else b""),
        check=_check_wildcard,
    ),
    "is_timed_hmac_valid_v0": Function(
        (
            _LITERAL_BYTES,
            _FIELD_BYTES,
            _LITERAL_INT,
            Parameter(Takes.ANY, (INT,)),
            _LITERAL_INT,
            _LITERAL_BYTES,
        ),
        4,
        BOOL,
        _hmac,
        check=_check_hmac,
    ),
}

UNSUPPORTED: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("contains", "hash_in_range", "hmac", "ip_in_range", "trim", "trim_end", "trim_start", "wildcard"),
        "it is in no documentation of the language",
    ),
    **dict.fromkeys(("is_jwt_present", "is_jwt_valid"), "tokens of an API gateway are not configured here"),
    "bit_slice": "it reads packets, and here are requests",
}
"""Functions that the original's parser knows and this one does not, and why."""
