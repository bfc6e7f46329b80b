"""Names of fields and functions, and the indexes behind them."""

from __future__ import annotations

from typing import Final

from botproxy.rules.cursor import Cursor
from botproxy.rules.numbers import int_literal
from botproxy.rules.strings import quoted
from botproxy.rules.tree import EACH, Key

_NAME: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def identifier(cursor: Cursor) -> str:
    """Read the name of a field or function."""
    start = cursor.at
    while True:
        if not cursor.take_while(_NAME):
            cursor.fail("expected identifier character", cursor.at)
        if not cursor.take("."):
            return cursor.text[start : cursor.at]


def name_ahead(cursor: Cursor) -> str:
    """The name that comes next, or what begins like one; nothing is taken."""
    text = cursor.text
    end = cursor.at
    while end < len(text) and (text[end] in _NAME or text[end] == "."):
        end += 1
    return text[cursor.at : end]


def index_key(cursor: Cursor) -> Key:
    """Read `[*]`, `["name"]` or `[0]`."""
    start = cursor.at
    cursor.at += 1
    cursor.skip_space()
    key: Key
    if cursor.take("*"):
        key = EACH
    elif cursor.ahead('"'):
        key = quoted(cursor)
        try:
            key.decode()
        except UnicodeDecodeError:
            cursor.fail('expected literal "expected utf8 string"', start, cursor.at)
    elif cursor.peek() and cursor.peek() in "-0123456789":
        key = int_literal(cursor)
        if not 0 <= key < 2**32:
            cursor.fail('expected literal "expected positive integer as index"', start, cursor.at)
    else:
        cursor.fail('expected literal "expected quoted utf8 string or positive integer"', start)
    cursor.skip_space()
    cursor.expect("]")
    return key
