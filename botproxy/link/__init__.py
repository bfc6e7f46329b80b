"""Between a worker and the supervisor: one local socket each, frames, bounded queues."""

from botproxy.link.control import Plan, read_plan, receive, send, send_plan
from botproxy.link.downlink import Downlink, Reader
from botproxy.link.modes import ENFORCE, OBSERVE, Modes
from botproxy.link.uplink import Listener, Uplink

__all__ = [
    "ENFORCE",
    "OBSERVE",
    "Downlink",
    "Listener",
    "Modes",
    "Plan",
    "Reader",
    "Uplink",
    "read_plan",
    "receive",
    "send",
    "send_plan",
]
