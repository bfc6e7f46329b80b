"""What the supervisor offers to operators beside `Control`; whatever is left out is answered with 503."""

from __future__ import annotations

from typing import NamedTuple

from aiohttp import web

from botproxy.admin import alerts, auditing, bot_management, configuration, inbox
from botproxy.admin.alerts import ALERTS, Alerts
from botproxy.admin.auditing import AUDIT, Audit, NoAudit
from botproxy.admin.bot_management import BOTS, BotManagement
from botproxy.admin.configuration import CONFIGURATION, Configuration
from botproxy.admin.inbox import INBOX, Inbox


class Offers(NamedTuple):
    """Each is a room of the admin listener."""

    audit: Audit = NoAudit()
    configuration: Configuration | None = None
    inbox: Inbox | None = None
    bots: BotManagement | None = None
    alerts: Alerts | None = None


NOTHING = Offers()


def add_routes(app: web.Application, offers: Offers) -> None:
    """Add what is offered, and its routes."""
    app[AUDIT] = offers.audit
    app[CONFIGURATION] = offers.configuration
    app[INBOX] = offers.inbox
    app[BOTS] = offers.bots
    app[ALERTS] = offers.alerts
    auditing.add_routes(app)
    configuration.add_routes(app)
    inbox.add_routes(app)
    bot_management.add_routes(app)
    alerts.add_routes(app)
