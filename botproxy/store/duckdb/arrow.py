"""A table in memory as DuckDB reads it without a copy: the Arrow C data and stream interfaces, as far as needed here.

https://arrow.apache.org/docs/format/CDataInterface.html, CStreamInterface.html, and the capsule of a stream.
What is handed out belongs to this module until it is released: the functions below stay for ever, and what they need
is found by a number, so that a release that comes late, or twice, finds nothing and does nothing.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from errno import EIO
from itertools import count
from typing import Any, Final, NamedTuple, final

_P: Final = ctypes.POINTER


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_RELEASE_SCHEMA: Final = ctypes.CFUNCTYPE(None, _P(_Schema))
_RELEASE_ARRAY: Final = ctypes.CFUNCTYPE(None, _P(_Array))
_RELEASE_STREAM: Final = ctypes.CFUNCTYPE(None, _P(_Stream))
_GET_SCHEMA: Final = ctypes.CFUNCTYPE(ctypes.c_int, _P(_Stream), _P(_Schema))
_GET_NEXT: Final = ctypes.CFUNCTYPE(ctypes.c_int, _P(_Stream), _P(_Array))
_GET_LAST_ERROR: Final = ctypes.CFUNCTYPE(ctypes.c_char_p, _P(_Stream))

_Schema._fields_ = (
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_char_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", _P(_P(_Schema))),
    ("dictionary", _P(_Schema)),
    ("release", _RELEASE_SCHEMA),
    ("private_data", ctypes.c_void_p),
)
_Array._fields_ = (
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", _P(ctypes.c_void_p)),
    ("children", _P(_P(_Array))),
    ("dictionary", _P(_Array)),
    ("release", _RELEASE_ARRAY),
    ("private_data", ctypes.c_void_p),
)
_Stream._fields_ = (
    ("get_schema", _GET_SCHEMA),
    ("get_next", _GET_NEXT),
    ("get_last_error", _GET_LAST_ERROR),
    ("release", _RELEASE_STREAM),
    ("private_data", ctypes.c_void_p),
)

_NEW_CAPSULE: Final = ctypes.pythonapi.PyCapsule_New
_NEW_CAPSULE.restype = ctypes.py_object
_NEW_CAPSULE.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_STREAM_NAME: Final = b"arrow_array_stream"


class ArrowColumn(NamedTuple):
    """A column without a NULL: its format, and its buffers but that of validity."""

    format: bytes  # "l" whole numbers of 64 bits, "b" bits, "u" texts: offsets of 32 bits, then UTF-8
    buffers: tuple[Any, ...]  # numpy arrays


_numbers: Final = count(1)
_streams: Final[dict[int, _Reading]] = {}  # what is handed out, by `private_data`
_kept: Final[dict[int, tuple[Any, ...]]] = {}  # memory of schemas and arrays that are handed out, likewise


@final
class ArrowTable:
    """Columns of the same length. Registered with DuckDB it can be read any number of times, until it is closed."""

    def __init__(self, number: int, columns: Mapping[str, ArrowColumn]) -> None:
        self.number: Final = number
        self.columns: Final = columns
        self._streams: list[int] = []

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule with a stream of one batch."""
        number = next(_numbers)
        stream = _Stream(_get_schema, _get_next, _get_last_error, _release_stream, number)
        _streams[number] = _Reading(self, stream)
        self._streams.append(number)
        return _NEW_CAPSULE(ctypes.addressof(stream), _STREAM_NAME, None)

    def close(self) -> None:
        """Take back what nobody released. Nobody may be reading any more, nor have a capsule that was not read."""
        for number in self._streams:
            reading = _streams.pop(number, None)
            for each in () if reading is None else reading.out:
                _kept.pop(each, None)
        self._streams.clear()


@final
class _Reading:
    """A stream that is handed out."""

    def __init__(self, table: ArrowTable, stream: _Stream) -> None:
        self.table: Final = table
        self.stream: Final = stream  # the memory that the capsule names
        self.ended = False
        self.out: list[int] = []

    def keep(self, *memory: Any) -> int:
        number = next(_numbers)
        _kept[number] = memory
        self.out.append(number)
        return number


def _fill_schema(reading: _Reading, out: _Schema) -> None:
    columns = reading.table.columns
    children = [
        _Schema(format=column.format, name=name.encode(), release=_release_schema) for name, column in columns.items()
    ]
    places = (_P(_Schema) * len(children))(*[ctypes.pointer(each) for each in children])
    ctypes.memset(ctypes.addressof(out), 0, ctypes.sizeof(out))
    out.format, out.name = b"+s", b""
    out.n_children, out.children = len(children), places
    out.private_data = reading.keep(children, places, out.format, out.name)
    out.release = _release_schema


def _fill_array(reading: _Reading, out: _Array) -> None:
    table = reading.table
    ctypes.memset(ctypes.addressof(out), 0, ctypes.sizeof(out))
    if reading.ended:
        return  # one that is released already says that there is no more
    children, all_buffers = [], []
    for column in table.columns.values():
        places = [None, *[each.__array_interface__["data"][0] for each in column.buffers]]
        buffers = (ctypes.c_void_p * len(places))(*places)
        all_buffers.append(buffers)
        children.append(_Array(length=table.number, n_buffers=len(places), buffers=buffers, release=_release_array))
    own = (ctypes.c_void_p * 1)(None)
    places_of = (_P(_Array) * len(children))(*[ctypes.pointer(each) for each in children])
    out.length, out.n_buffers, out.buffers = table.number, 1, own
    out.n_children, out.children = len(children), places_of
    out.private_data = reading.keep(children, all_buffers, own, places_of, table)
    out.release = _release_array
    reading.ended = True


def _on_get_schema(stream: Any, out: Any) -> int:
    return _answered(_fill_schema, stream, out)


def _on_get_next(stream: Any, out: Any) -> int:
    return _answered(_fill_array, stream, out)


def _answered(fill: Any, stream: Any, out: Any) -> int:
    try:
        fill(_streams[stream.contents.private_data], out.contents)
    except Exception:  # nothing above would hear of it
        return EIO
    return 0


def _on_get_last_error(stream: Any) -> bytes:
    return b"the table could not be read"


def _on_release_schema(schema: Any) -> None:
    _kept.pop(schema.contents.private_data, None)
    schema.contents.release = _RELEASE_SCHEMA(0)


def _on_release_array(array: Any) -> None:
    number = array.contents.private_data
    array.contents.release = _RELEASE_ARRAY(0)
    _kept.pop(number, None)


def _on_release_stream(stream: Any) -> None:
    number = stream.contents.private_data
    stream.contents.release = _RELEASE_STREAM(0)
    _streams.pop(number, None)


# They stay for ever: a function that the other side still calls must not go with the table.
_get_schema: Final = _GET_SCHEMA(_on_get_schema)
_get_next: Final = _GET_NEXT(_on_get_next)
_get_last_error: Final = _GET_LAST_ERROR(_on_get_last_error)
_release_schema: Final = _RELEASE_SCHEMA(_on_release_schema)
_release_array: Final = _RELEASE_ARRAY(_on_release_array)
_release_stream: Final = _RELEASE_STREAM(_on_release_stream)
