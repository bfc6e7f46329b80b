"""What operators find on the admin listener beside modes and metrics, put together; it keeps the supervisor thin."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, final

from botproxy.admin.analytics import Analytics
from botproxy.admin.offers import Offers
from botproxy.supervisor import persons
from botproxy.supervisor.alerting import Alerting
from botproxy.supervisor.audit import AuditLog
from botproxy.supervisor.configuring import Configuring
from botproxy.supervisor.feedback import FeedbackDesk
from botproxy.supervisor.fleet import Fleet
from botproxy.supervisor.inbox import InboxDesk
from botproxy.supervisor.sharing import SharedOverlay
from botproxy.telemetry.privacy_settings import Addresses


class Supervised(Protocol):
    """What the desk needs of the supervisor."""

    def read(self) -> Any:
        """The configuration's source as it is now. Raises OperatorError."""
        ...

    async def offer(self, source: Any) -> dict[str, Any]:
        """Reload with this source."""
        ...

    def analytics(self) -> Analytics:
        """See `admin.Control`."""
        ...

    async def switch(self, mode: str | None, zone: str | None) -> dict[str, Any]:
        """See `admin.Control`."""
        ...

    async def switch_attack(self, on: bool | None, zone: str | None) -> dict[str, Any]:
        """See `admin.Control`."""
        ...


@final
class Desk:
    """One for the life of the supervisor."""

    def __init__(self, supervisor: Supervised, fleet: Callable[[], Fleet]) -> None:
        self._supervisor = supervisor
        self._fleet = fleet
        self.audit = AuditLog(lambda: self.data)
        self.configuring = Configuring(self, SharedOverlay(lambda: self._fleet().store, self._shared_secret))
        self.alerting = Alerting(lambda: self.data, lambda: self._fleet().events.store)
        self.inbox = InboxDesk(lambda: self.data, supervisor.analytics, self.configuring, self._recorded)
        self.feedback = FeedbackDesk(lambda: self.data, self.configuring, lambda: bool(self._fleet().plan.model))

    @property
    def offers(self) -> Offers:
        """For the admin application."""
        return Offers(self.audit, self.configuring, self.inbox, self.feedback, self.alerting)

    def _shared_secret(self) -> bytes:
        """What the overlay is shared by; b"" where it is not."""
        fleet = self._fleet()
        if fleet.current is None or not (fleet.plan.state or {}).get("share_changes", True):
            return b""
        return bytes.fromhex(fleet.plan.shared_secret)

    def _recorded(self, zone: str) -> Addresses:
        """How this zone records addresses."""
        return persons.masking(self._fleet().plan).zones.get(zone, "full")

    # `configuring.Host`

    @property
    def data(self) -> Path:
        """See `configuring.Host`."""
        return self._fleet().directory.path

    @property
    def running(self) -> str:
        """See `configuring.Host`."""
        return str(self._fleet().source)

    def read(self) -> str:
        """See `configuring.Host`."""
        return str(self._supervisor.read())

    async def offer(self, source: str) -> dict[str, Any]:
        """See `configuring.Host`."""
        return await self._supervisor.offer(source)

    async def configured(self, instance: bool, mode: set[str], attack: set[str]) -> list[str]:
        """See `configuring.Host`."""
        switches = self._fleet().switches
        said = []
        back: list[tuple[Callable[[None, str | None], Awaitable[Any]], str | None]] = []
        if instance and (switches.instance is not None or switches.zones):
            back.append((self._supervisor.switch, None))
        back += [(self._supervisor.switch, zone) for zone in sorted(mode) if zone in switches.zones]
        back += [(self._supervisor.switch_attack, zone) for zone in sorted(attack) if zone in switches.attacked_zones]
        for take_back, zone in back:
            await take_back(None, zone)
        if switches.instance is not None and mode:
            text = f"the mode of everything was switched to {switches.instance}, which beats what sites are set to"
            said.append(f"{text}: botproxy mode configured")
        if switches.attacked is not None and attack:
            text = f"under attack was switched {'on' if switches.attacked else 'off'} for all sites, which beats this"
            said.append(f"{text}: botproxy under-attack configured")
        return said
