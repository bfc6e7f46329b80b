"""Reading YAML: what values it gives, where they stand, and that nothing in a text is too much for it."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from botproxy.config.document import MAX_DEPTH, Document, Mark, read


def value_of(text: str) -> object:
    """The value of a text that is right."""
    document = read(text, "f.yaml")
    assert document.problems == ()
    return document.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("10", 10),
        ("-3", -3),
        ("1.5", 1.5),
        ("text", "text"),
    ],
)
def test_plain_words_and_numbers_are_what_they_look_like(text: str, value: object) -> None:
    assert value_of(f"key: {text}") == {"key": value}


@pytest.mark.parametrize(
    "text",
    [
        *("NO", "no", "Yes", "on", "off", "True", "FALSE", "y", "Null"),
        *("010", "0x10", "0o17", "0b1", "1_000", "22:30:00", "1e3", ".5", "5.", ".inf", ".nan", "+.1", "--1"),
        *("2026-01-01", "2026-01-01T00:00:00Z", "=", "99999999999999999999"),
    ],
)
def test_what_yaml_1_1_would_have_turned_into_something_else_stays_text(text: str) -> None:
    assert value_of(f"key: {text}") == {"key": text}


@pytest.mark.parametrize("text", ["'true'", '"10"', "''", "|\n  10", ">-\n  10"])
def test_quotes_and_blocks_make_text(text: str) -> None:
    assert value_of(f"key: {text}") == {"key": text.strip("'\"|>-\n ")}


def test_keys_are_always_text() -> None:
    assert value_of("1: a\ntrue: b\nnull: c") == {"1": "a", "true": "b", "null": "c"}


def test_aliases_repeat_a_value_and_stand_where_they_are_used() -> None:
    document = read("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert document.value == {"a": {"b": 1}, "c": {"b": 1}}
    assert document.place(("c",)).key == Mark(2, 1)


def test_places_name_key_and_value() -> None:
    document = read("# remark\nzones:\n  - name: site\n    hosts: [a, 'b']\n", "f.yaml")
    assert document.place(("zones",)).key == Mark(2, 1)
    assert document.place(("zones", 0, "name")).value == Mark(3, 11)
    assert document.place(("zones", 0, "hosts", 1)).value == Mark(4, 16)


def test_a_path_that_is_not_there_is_placed_at_what_is_around_it() -> None:
    document = read("zones:\n  - name: site\n", "f.yaml")
    assert document.place(("zones", 0, "origins", 3)) == document.place(("zones", 0))


WORD = "FAULT"
LAYOUTS = [
    "k: FAULT",
    "k: one FAULT # remark",
    "k: 'one FAULT'",
    'k: "é one FAULT"',
    "k: >\n  one\n  two FAULT",
    "k: >-\n  one FAULT\n  two\n",
    "k: |\n   one\n   two FAULT three\n   four\n\n\n",
    "k: |\n  one\n  two FAULT\nl: 1\n",
    "l:\n  - k: x\nk: >\n      FAULT\n# remark\n",
    "k: one\n  two FAULT\n  three\n",
    "k: one\n  two FAULT # remark\n",
    "k:\n  one\n  FAULT\r\n",
]
UNSURE = [
    "k: 'it''s one FAULT'",
    'k: "a\\tone FAULT"',
    "k: 'one\n  FAULT'",
    "k: >\n  one\n\n  FAULT",
    "k: |\n  one\n    two\n  FAULT",
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_a_character_inside_a_text_is_found_where_it_stands(text: str) -> None:
    document = read(text, "f.yaml")
    assert isinstance(document.value, dict)
    value = document.value["k"]
    assert isinstance(value, str)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if WORD in line)
    column = text.splitlines()[line - 1].index(WORD) + 1
    assert document.place(("k",)).inside(value.index(WORD)) == Mark(line, column)


@pytest.mark.parametrize("text", UNSURE)
def test_where_it_cannot_be_told_the_beginning_is_said_and_nothing_wrong(text: str) -> None:
    document = read(text, "f.yaml")
    assert isinstance(document.value, dict)
    assert isinstance(value := document.value["k"], str)
    place = document.place(("k",))
    line = next(number for number, line in enumerate(text.splitlines(), 1) if WORD in line)
    true = Mark(line, text.splitlines()[line - 1].index(WORD) + 1)
    assert place.inside(value.index(WORD)) in {place.value, true}


def test_a_billion_laughs_are_refused_quickly() -> None:
    """Ten levels of ten aliases each would be ten thousand million values."""
    lines = ["l0: &l0 [lol]"] + [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 11)]
    (problem,) = read("\n".join(lines), "f.yaml").problems
    assert "once aliases are followed" in problem.what


def test_nesting_is_bounded() -> None:
    assert read("[" * MAX_DEPTH + "]" * MAX_DEPTH, "f.yaml").problems == ()
    assert read("[" * 100_000, "f.yaml").problems != ()
    assert read("".join(" " * n + f"k{n}:\n" for n in range(200)), "f.yaml").problems != ()


def test_aliases_cannot_nest_deeper_than_brackets() -> None:
    """Each line adds a level by way of the alias before it."""
    lines = ["a0: &a0 [1]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 2000)]
    (problem,) = read("\n".join(lines), "f.yaml").problems
    assert "levels deep" in problem.what


ALPHABET = st.sampled_from(list("abc:-?[]{}&*!|>'\"%@`#, \n\t\x00\x85\ufeff\ud800~<=0123456789é")) | st.characters()
YAML_LIKE = st.lists(
    st.sampled_from(
        [
            "- ",
            ": ",
            "\n",
            "  ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!t ",
            "? ",
            "<<",
            "---\n",
            "...\n",
            "|\n",
            ">-\n",
            "k",
            "'",
            '"',
            "#",
            ", ",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(st.text(ALPHABET, max_size=60) | YAML_LIKE)
@example("? [")
@example("a: \ud800")
@example("*a : b")
@example("&a *a")
@example("%YAML 9.9\n---\n")
@example("? - a\n  - b\n: c")
def test_no_text_is_too_much(text: str) -> None:
    """Whatever the text, there is a value or a problem with a place, and nothing is raised."""
    document = read(text, "f.yaml")
    assert isinstance(document, Document)
    assert all(problem.line >= 1 and problem.column >= 1 for problem in document.problems)
