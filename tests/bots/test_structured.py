"""Structured fields: the examples of RFC 9651, canonical spelling, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.bots.structured import Bare, FieldError, InnerList, Item, joined, parse_dictionary, parse_item


def spelled(text: str) -> str:
    return ", ".join(f"{key}={member.serialised()}" for key, member in parse_dictionary(text).items())


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ('sig1=("@authority"  "date" );created=1;keyid="a"', 'sig1=("@authority" "date");created=1;keyid="a"'),
        ("a=1 ,\tb=2", "a=1, b=2"),
        ("a=1, a=2", "a=2"),
        ("a=?1;b;c=?0", "a=?1;b;c=?0"),
        ("a", "a=?1"),
        ("a;x=1", "a=?1;x=1"),
        ("a=:aGVsbG8=:", "a=:aGVsbG8=:"),
        ('a="say \\"so\\" \\\\"', 'a="say \\"so\\" \\\\"'),
        ("a=0042, b=-0, c=1.50, d=-0.0", "a=42, b=0, c=1.5, d=0.0"),
        ("a=token/with:more", "a=token/with:more"),
        ("", ""),
    ],
)
def test_a_dictionary_is_read_and_spelled_canonically(text: str, canonical: str) -> None:
    assert spelled(text) == canonical


@pytest.mark.parametrize(
    "text",
    [
        "a=1,", "a=1 b=2", "A=1", "a=", "a=(1", "a=(1,2)", 'a="x', 'a="\x7f"', "a=:a:", "a=:aGVsbG8:", "a=?2", ",",
        "a=1234567890123456", "a=1.2345", "a=1234567890123.1", "a=((1))", "a=1;", "a=1;B", "\ta=1",
        ", ".join(f"k{number}" for number in range(17)),
        "a=(" + " ".join(["1"] * 33) + ")",
        "a" + "".join(f";p{number}" for number in range(17)),
        "a=" + "x" * 9000,
    ],
)  # fmt: skip
def test_what_is_not_in_order_is_no_field(text: str) -> None:
    with pytest.raises(FieldError):
        parse_dictionary(text)


def test_an_item_stands_alone() -> None:
    assert parse_item(' "https://example.com" ') == Item(Bare("string", "https://example.com"))
    with pytest.raises(FieldError):
        parse_item('"a", "b"')


def test_lines_of_a_field_are_joined_and_bounded() -> None:
    assert joined((b" a=1 ", b"b=2")) == "a=1, b=2"
    with pytest.raises(FieldError):
        joined((b"\xff",))
    with pytest.raises(FieldError):
        joined((b"a" * 5000, b"a" * 5000))


@settings(max_examples=200)
@given(st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    for read in (parse_dictionary, parse_item):
        try:
            read(text)
        except FieldError:
            continue


BARE = st.one_of(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(lambda text: Bare("string", text)),
    st.integers(-(10**14), 10**14).map(lambda number: Bare("integer", str(number))),
    st.booleans().map(lambda value: Bare("boolean", "1" if value else "0")),
)
PARAMETERS = st.dictionaries(st.from_regex(r"\A[a-z][a-z0-9]{0,5}\Z"), BARE, max_size=4).map(lambda p: tuple(p.items()))
ITEM = st.builds(Item, BARE, PARAMETERS)


@settings(max_examples=100)
@given(st.lists(ITEM, max_size=5).map(tuple), PARAMETERS)
def test_what_is_written_is_read_back(items: tuple[Item, ...], parameters: tuple[tuple[str, Bare], ...]) -> None:
    written = InnerList(items, parameters)
    assert parse_dictionary(f"a={written.serialised()}") == {"a": written}
