"""What is told about requests: counters, metrics, event files, log lines."""

from botproxy.telemetry.counters import Counters
from botproxy.telemetry.event_writer import EventWriter
from botproxy.telemetry.logpush import EXTENSION_NAMES, LOGPUSH_NAMES, to_logpush
from botproxy.telemetry.redaction import redact_query, redact_url
from botproxy.telemetry.settings import Settings
from botproxy.telemetry.totals import Totals

__all__ = [
    "EXTENSION_NAMES",
    "LOGPUSH_NAMES",
    "Counters",
    "EventWriter",
    "Settings",
    "Totals",
    "redact_query",
    "redact_url",
    "to_logpush",
]
