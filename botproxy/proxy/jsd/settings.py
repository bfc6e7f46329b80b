"""What an operator may set about the script of JavaScript detections."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from botproxy.schema import Section


class Settings(Section):
    """How pages of the zone come by the script. Whether they do is `enable_js` of `bot_management`."""

    manual: bool = False
    """Pages of the site load `/cdn-cgi/challenge-platform/scripts/jsd/api.js` and call
    `window.cloudflare.jsd.executeOnce` themselves, where and when they want; none gets the script by itself. Needs
    `enable_js: false`."""

    consent_event: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.:-]{0,63}$|^$")] = ""
    """Name of the event on `window` by which the site's consent tool says yes; before it, the script looks at nothing.
    Empty: it does not wait."""
