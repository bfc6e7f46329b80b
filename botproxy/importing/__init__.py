"""Logs of other servers: lines to requests, scored as far as a log tells, and made into events."""

from botproxy.importing.entries import Entry, LineError
from botproxy.importing.formats import FORMATS, Format, detect, reader
from botproxy.importing.scoring import Importer, Made

__all__ = [
    "FORMATS",
    "Entry",
    "Format",
    "Importer",
    "LineError",
    "Made",
    "detect",
    "reader",
]
