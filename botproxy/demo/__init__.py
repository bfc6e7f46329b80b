"""A small fictional shop and journal to put the proxy in front of: everything a real site sends, nothing borrowed.

Pages, pictures, a form, a JSON API, a WebSocket, server-sent events, large downloads, and a page that shows the headers
that arrived. It keeps nothing on disk and forgets everything when it stops.
"""

from botproxy.demo.application import application, run

__all__ = ["application", "run"]
