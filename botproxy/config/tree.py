"""The whole tree of settings: every room's own, composed. What a key means is said where its room declares it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from botproxy.addresses.place_settings import PlaceSettings
from botproxy.addresses.settings import Settings as ForwardingSettings
from botproxy.admin.settings import Settings as AdminSettings
from botproxy.bots.settings import Settings as BotSettings
from botproxy.challenges.page_settings import PageSettings
from botproxy.challenges.settings import Settings as ChallengeSettings
from botproxy.challenges.widget_settings import SiteKeySettings, WidgetSettings
from botproxy.cookies.settings import Settings as CookieSettings
from botproxy.hooks.settings import Settings as HookSettings
from botproxy.outgoing import OutgoingSettings
from botproxy.proxy.hosts import HostTable
from botproxy.proxy.jsd.settings import Settings as JavaScriptDetectionSettings
from botproxy.proxy.settings import (
    CertificateSettings,
    HealthSettings,
    HttpsSettings,
    Limits,
    ListenerSettings,
    ManagedRequestHeaderSettings,
    OriginSettings,
    OwnPathSettings,
    Timeouts,
)
from botproxy.rules.settings import ListSettings
from botproxy.rulesets.access import AccessRuleSettings
from botproxy.rulesets.bot_management import Settings as BotManagementSettings
from botproxy.rulesets.presets import Name as PresetName
from botproxy.rulesets.presets import PresetSettings
from botproxy.rulesets.rate_limit_settings import RateLimitSettings
from botproxy.rulesets.settings import RulesetSettings, RuleSettings
from botproxy.rulesets.user_agents import UserAgentRuleSettings
from botproxy.schema import Section
from botproxy.scoring.anomaly.settings import Settings as AnomalySettings
from botproxy.scoring.settings import Settings as ScoringSettings
from botproxy.scoring.settings import ZoneHeuristicsSettings
from botproxy.store.settings import StateSettings, StateUrl
from botproxy.telemetry.alert_settings import AlertSettings
from botproxy.telemetry.logpush_settings import MAX_JOBS, LogpushSettings
from botproxy.telemetry.privacy_settings import Settings as PrivacySettings
from botproxy.telemetry.settings import Settings as EventSettings
from botproxy.traffic.settings import Settings as CounterSettings

Mode = Literal["observe", "enforce"]

MAX_WORKERS = 256


class ZoneSettings(Section):
    """One site: the hosts it answers for, the origins behind it, and what it does with bots."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?$")]
    """What logs, metrics and `botproxy mode --zone` call this site: lower-case letters, digits, `.`, `_` and `-`."""

    hosts: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()
    """Host names of the site, without scheme and port: `example.com`, or `*.example.com` for every name below it."""

    origins: Annotated[tuple[str, ...], Field(min_length=1, max_length=64)]
    """Where the site really lives: `http://host:port`, `https://host` or `unix:/path/of.sock`. When one refuses, the
    next is asked."""

    origin: OriginSettings = OriginSettings()
    """How the origins are spoken to."""

    https: HttpsSettings = HttpsSettings()
    """Whether visitors of plain http are sent to https."""

    certificates: Annotated[tuple[CertificateSettings, ...], Field(max_length=100)] = ()
    """Certificates of the site, for every listener that speaks TLS. Which names one is for stands in it."""

    mode: Mode | None = None
    """`observe` or `enforce` for this site alone; left out, the mode of the instance."""

    on_failure: Literal["open", "closed"] = "open"
    """What happens to a request when scoring itself fails: `open` forwards it, `closed` refuses it."""

    cookies: CookieSettings = CookieSettings()
    """Cookies that the proxy sets for this site."""

    rules: Annotated[tuple[RuleSettings, ...], Field(max_length=10_000)] = ()
    """Rules of the site, in order; the first that ends the matter wins. Without any a site is only scored."""

    presets: Annotated[tuple[PresetName | PresetSettings, ...], Field(max_length=20)] = ()
    """Rules that most sites want, by name, after those of `rules`: `api-traffic`, `mobile-app`, `default`,
    `definite-bots`, `likely-bots`, `javascript-verified-urls`, `browser-endpoints`. `default` is what `serve --origin`
    uses; `botproxy rules preset` prints it, and `botproxy check` what the others stand for."""

    rate_limits: Annotated[tuple[RateLimitSettings, ...], Field(max_length=1_000)] = ()
    """Rate limiting rules of the site, in order: how often who may ask for what."""

    access_rules: Annotated[tuple[AccessRuleSettings, ...], Field(max_length=50_000)] = ()
    """IP access rules: what happens to an address, a network, an ASN or a country before anything else is asked."""

    user_agent_rules: Annotated[tuple[UserAgentRuleSettings, ...], Field(max_length=10_000)] = ()
    """User-agent rules: what happens to requests with exactly this User-Agent."""

    security_level: Literal["off", "under_attack"] = "off"
    """`under_attack` sends every new visitor through a managed challenge, verified bots excepted. `botproxy
    under-attack` switches it on a running proxy, and that choice outlives reload and restart."""

    js_detection_action: Literal["allow", "block", "managed_challenge"] = "allow"
    """What is done about a browser that failed JavaScript detections: `allow`, `block` or `managed_challenge`. One that
    was not asked yet has not failed."""

    anomaly_detection: AnomalySettings = AnomalySettings()
    """Whether callers are found that stand out of the usual traffic of this site."""

    challenge_without_javascript: bool = False
    """Let visitors without JavaScript through a `js_challenge`, by a picture, a wait of a few seconds and a form. Any
    program that follows these gets through as well, so its clearance passes nothing else."""

    pages: PageSettings | None = None
    """How the pages of this site look that visitors get from the proxy itself; left out, as those of the instance."""

    javascript_detections: JavaScriptDetectionSettings = JavaScriptDetectionSettings()
    """How pages of the site come by the script of JavaScript detections."""

    sitekeys: Annotated[tuple[SiteKeySettings, ...], Field(max_length=1_000)] = ()
    """Keys of the widget for forms of this site; `botproxy sitekeys new` makes one."""

    heuristics: ZoneHeuristicsSettings = ZoneHeuristicsSettings()
    """Fingerprints that are left out, or only watched, for this site."""

    bot_management: BotManagementSettings = BotManagementSettings()
    """Bot Fight Mode, Super Bot Fight Mode and AI bots: what is done about bots without a rule."""

    managed_request_headers: ManagedRequestHeaderSettings = ManagedRequestHeaderSettings()
    """Headers that tell the origin of bots and places."""

    privacy: PrivacySettings = PrivacySettings()
    """What is recorded of visitors' addresses, and for how long events are kept."""

    hook: HookSettings | None = None
    """Code of your own that is asked about every request which everything above lets through."""


class Config(Section):
    """Everything that one instance does."""

    mode: Mode = "observe"
    """`observe` scores, records what the rules would have done, and forwards; `enforce` acts. `botproxy mode` switches
    a running proxy, and that choice outlives reload and restart."""

    location: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,8}$")] = "BOT"
    """Label of this place at the end of every Cf-Ray: 2 to 8 capital letters or digits."""

    data: Path = Path("data")
    """Directory for what the proxy writes: events, its secret when it makes one, the mode it was switched to."""

    secret_file: Path | Literal["auto"] | None = None
    """File with the secret that cookies are sealed with, one a line, the first one in use (`botproxy keys new`). `auto`
    makes one in the data directory on first start. Left out, the environment variable BOTPROXY_SECRET is read."""

    workers: Annotated[int, Field(ge=0, le=MAX_WORKERS)] = 0
    """Processes that serve requests; 0 is one for each core."""

    listeners: Annotated[tuple[ListenerSettings, ...], Field(min_length=1, max_length=64)] = (
        ListenerSettings(address="127.0.0.1:8080"),
    )
    """Addresses that visitors connect to."""

    admin: AdminSettings = AdminSettings()
    """The listener for operators: metrics, health, mode."""

    limits: Limits = Limits()
    """How much of anything is accepted."""

    timeouts: Timeouts = Timeouts()
    """How long anything may take."""

    forwarding: ForwardingSettings = ForwardingSettings()
    """Whose X-Forwarded-For is believed."""

    health: HealthSettings = HealthSettings()
    """Who may ask whether this proxy is alive and ready."""

    own_paths: OwnPathSettings = OwnPathSettings()
    """How often paths of our own may be asked for."""

    events: EventSettings = EventSettings()
    """Where the record of every request goes."""

    logpush: Annotated[tuple[LogpushSettings, ...], Field(max_length=MAX_JOBS)] = ()
    """Log exports: copies of events, or of some, to files, endpoints, stores and standard output."""

    alerts: AlertSettings = AlertSettings()
    """When bot traffic is unusual, and who is told."""

    outgoing: OutgoingSettings = OutgoingSettings()
    """How fetches and deliveries of this machine get out, where that takes a proxy."""

    scoring: ScoringSettings = ScoringSettings()
    """How the bot score is made."""

    places: PlaceSettings = PlaceSettings()
    """Where visitors are, by databases of yours."""

    bots: BotSettings = BotSettings()
    """Bots that say who they are, and how that is verified."""

    challenges: ChallengeSettings = ChallengeSettings()
    """How visitors are asked to prove themselves."""

    pages: PageSettings = PageSettings()
    """How the pages look that visitors get from the proxy itself: challenges, and pages that say no."""

    widget: WidgetSettings = WidgetSettings()
    """The widget for forms, and who may ask whether its tokens are good."""

    rate_limiting: CounterSettings = CounterSettings()
    """How much is remembered for the rate limiting rules of all sites."""

    state: StateUrl | StateSettings | None = None
    """The server of Redis or Valkey over which several machines share counters, solved challenges and revocations:
    `redis://host:6379/0`, or a section when it wants a password or TLS. Left out, this machine is alone."""

    lists: Annotated[tuple[ListSettings, ...], Field(max_length=1000)] = ()
    """Named lists, for `in $name` in the expressions of every zone."""

    unknown_host: str = "refuse"
    """What a request for a host of no zone gets: `refuse` (421), or the zone with this name."""

    rulesets: Annotated[tuple[RulesetSettings, ...], Field(max_length=100)] = ()
    """Rules that stand before those of every zone, or of some."""

    zones: Annotated[tuple[ZoneSettings, ...], Field(min_length=1, max_length=10_000)]
    """The sites."""

    def zone(self, name: str) -> ZoneSettings | None:
        """The zone with this name, or None."""
        return next((zone for zone in self.zones if zone.name == name), None)

    def host_table(self) -> HostTable:
        """The table that finds the zone of a request; made anew at each call."""
        return HostTable(
            ((host, zone.name) for zone in self.zones for host in zone.hosts),
            default=None if self.unknown_host == "refuse" else self.unknown_host,
        )
