"""What log exports send of an event: the datasets, and how each field is read from its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from botproxy.model import Event
from botproxy.telemetry.logpush import EXTENSION_NAMES, LOGPUSH_NAMES, TIME_WRITERS
from botproxy.telemetry.settings import Timestamps

Dataset = Literal["http_requests", "firewall_events"]

Row = Sequence[Any]
"""`tuple(Event)`, lists where it has tuples."""

Reader = Callable[[Row, int], Any]
"""A field of a row; the number is which of the rules that matched is meant, from 0."""

_AT: Final = {name: at for at, name in enumerate(Event._fields)}
_ACTIONS, _RULES, _SOURCES = _AT["actions"], _AT["rule_ids"], _AT["sources"]
_PATH, _QUERY, _REFERER = _AT["path"], _AT["query"], _AT["referer"]
_TIMES: Final = {"start", "end"}

_MATCHES: Final[dict[str, str]] = {
    "ClientASN": "client_asn",
    "ClientCountry": "client_country",
    "ClientIP": "client_ip",
    "ClientRequestHost": "host",
    "ClientRequestMethod": "method",
    "ClientRequestPath": "path",
    "ClientRequestProtocol": "protocol",
    "ClientRequestScheme": "scheme",
    "ClientRequestUserAgent": "user_agent",
    "Datetime": "start",
    "EdgeResponseStatus": "status",
    "OriginResponseStatus": "origin_status",
    "OriginatorRayID": "originator_ray",
    "RayID": "ray",
    "ZoneName": "zone",  # the original's job is of one zone and need not say it
}
"""Fields of `firewall_events` that are a column; reference section 10.4."""


def fields_of(dataset: Dataset) -> tuple[str, ...]:
    """Every field of a dataset, those that a job sends when it names none first."""
    if dataset == "http_requests":
        return (*LOGPUSH_NAMES.values(), *EXTENSION_NAMES.values())
    return (*sorted((*_MATCHES, *_OF_MATCH)),)


def defaults_of(dataset: Dataset) -> tuple[str, ...]:
    """The fields that a job sends when it names none: the original's."""
    return tuple(LOGPUSH_NAMES.values()) if dataset == "http_requests" else fields_of(dataset)


def reader(dataset: Dataset, name: str, timestamps: Timestamps) -> Reader:
    """How a field is read. KeyError for one that the dataset does not have."""
    if dataset == "http_requests":
        if name == "ClientRequestURI":
            return _uri
        column = _COLUMNS[name]
    elif name in _OF_MATCH:
        return _OF_MATCH[name]
    else:
        column = _MATCHES[name]
    at = _AT[column]
    if column in _TIMES:
        write = TIME_WRITERS[timestamps]
        return lambda row, _: write(row[at])
    return lambda row, _: row[at]


def matches(row: Row) -> int:
    """How many rules matched: so many records of `firewall_events` an event becomes."""
    return len(row[_ACTIONS])


def _uri(row: Row, _: int) -> str:
    return f"{row[_PATH]}?{row[_QUERY]}" if row[_QUERY] else str(row[_PATH])


def _query(row: Row, _: int) -> str:
    return f"?{row[_QUERY]}" if row[_QUERY] else ""


def _referer(part: str) -> Reader:
    def read(row: Row, _: int) -> str:
        try:
            parts = urlsplit(row[_REFERER])
            if part == "query":
                return f"?{parts.query}" if parts.query else ""
            return str(getattr(parts, part) or "")
        except ValueError:
            return ""

    return read


def _description(row: Row, match: int) -> str:
    # An event keeps the words of the rule that decided, and no others.
    return str(row[_AT["rule_description"]]) if row[_RULES][match] == row[_AT["rule_id"]] else ""


_OF_MATCH: Final[dict[str, Reader]] = {
    "Action": lambda row, match: str(row[_ACTIONS][match]).lower(),
    "ClientRefererHost": _referer("hostname"),
    "ClientRefererPath": _referer("path"),
    "ClientRefererQuery": _referer("query"),
    "ClientRefererScheme": _referer("scheme"),
    "ClientRequestQuery": _query,
    "Description": _description,
    "Kind": lambda _row, _match: "firewall",
    "MatchIndex": lambda row, match: len(row[_ACTIONS]) - 1 - match,  # the last match, which decided, is 0
    "RuleID": lambda row, match: row[_RULES][match],
    "Source": lambda row, match: str(row[_SOURCES][match]).lower(),
}

_COLUMNS: Final = {name: column for column, name in {**LOGPUSH_NAMES, **EXTENSION_NAMES}.items()}
