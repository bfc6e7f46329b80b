from __future__ import annotations

from typing import get_args, get_type_hints

from botproxy.model import Event
from botproxy.store.events.columns import EVENT_COLUMNS, Kind


def test_lists_of_numbers_are_known_for_what_they_hold() -> None:
    hints = get_type_hints(Event)
    if get_args(hints["reasons"]) == ():
        return  # a compiled record does not say; the names of columns are the same all the same
    for name, kind in EVENT_COLUMNS:
        if kind in (Kind.INTEGERS, Kind.TEXTS):
            assert get_args(hints[name])[0] is (int if kind is Kind.INTEGERS else str)


def test_every_field_of_an_event_is_a_column() -> None:
    assert [column.name for column in EVENT_COLUMNS] == list(Event._fields)
