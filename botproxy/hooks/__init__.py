"""Code of the operator's own, run for every request of a zone: what such a hook is given, and what it may return.

A hook imports its names from here. What starts hooks and speaks with them is imported from its modules.
"""

from botproxy.hooks.api import Cf, Forward, Headers, Request, Response

__all__ = ["Cf", "Forward", "Headers", "Request", "Response"]
