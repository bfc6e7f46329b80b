"""Sockets, before anything is known of what they carry; and how long to wait before something is started again."""

from botproxy.aio.backoff import Backoff
from botproxy.aio.endpoint import Endpoint, listen, parse_endpoint

__all__ = ["Backoff", "Endpoint", "listen", "parse_endpoint"]
