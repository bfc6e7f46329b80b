"""The composition root of the data plane: the one place where zones, engines, cookies and listeners are wired."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Mapping
from functools import partial
from ipaddress import IPv4Address
from typing import Any, Final, final

from botproxy.addresses import NetworkSet, Places, open_places
from botproxy.challenges import (
    LONGEST_TEXT,
    PURPOSE,
    REPLAY_PURPOSE,
    REPORT_PURPOSE,
    Look,
    Pages,
    ReportSeals,
    load_look,
)
from botproxy.challenges.assets import bundle
from botproxy.challenges.widget import TICKET_PURPOSE, TOKEN_PURPOSE
from botproxy.config import NO_LISTS, Config, LoadedLists, Source, ZoneSettings, examine, load_keyring
from botproxy.config.rules import rate_limiter, zone_ruleset
from botproxy.cookies import REVOKED, Jar, KeyRing, Revocations, Sealer, node_number, read_revocation
from botproxy.errors import OperatorError
from botproxy.hooks.pool import Hook
from botproxy.link import Plan
from botproxy.link.frames import FrameError
from botproxy.model import Client, Headers, Request
from botproxy.pipeline import Pipeline, Redaction
from botproxy.proxy.challenge_routes import ChallengeRoutes
from botproxy.proxy.gateway import Gateway, Site
from botproxy.proxy.hosts import HostTable
from botproxy.proxy.jsd import bootstrap
from botproxy.proxy.jsd.pages import PageScripts, Scene
from botproxy.proxy.jsd.passed_over import PassedOver
from botproxy.proxy.jsd.routes import DetectionRoutes, Powers
from botproxy.proxy.jsd.scripts import Scripts
from botproxy.proxy.managed_headers import managed
from botproxy.proxy.own_cookies import OwnCookies
from botproxy.proxy.own_paths import OwnPathLimiter, OwnPaths
from botproxy.proxy.plain_routes import PlainRoutes
from botproxy.proxy.pool import OriginPool
from botproxy.proxy.report_routes import ReportRoutes, report_limiter
from botproxy.proxy.robots import ManagedRobots
from botproxy.proxy.server import Server
from botproxy.proxy.vouched import VouchedHeaders
from botproxy.proxy.widget_routes import Key, WidgetRoutes
from botproxy.proxy.wire import Wire
from botproxy.rules import Lists
from botproxy.rulesets import RateLimiter, RulesetError, ZoneRuleset, compile_account, deployed
from botproxy.scoring import (
    Engine,
    Heuristics,
    HeuristicsSettings,
    ZoneHeuristics,
    load_clients,
    shipped_fingerprints,
)
from botproxy.scoring.anomaly import AnomalyDetection, AnomalyError, Outliers
from botproxy.scoring.anomaly import read as read_anomalies
from botproxy.scoring.jsd import JavaScriptDetections, Programs, judge
from botproxy.store import Notice
from botproxy.store.memory import MemoryStore
from botproxy.store.settings import described, settings_of
from botproxy.telemetry import Counters, log, redact_query, redact_url
from botproxy.telemetry.privacy_settings import Settings as PrivacySettings
from botproxy.traffic import Profiles, RateCounts
from botproxy.traffic.profiles import REPORTS
from botproxy.worker import models
from botproxy.worker.bots import Bots, Recognition
from botproxy.worker.contract import Blueprint, Life, Service
from botproxy.worker.doors import Door, Renewal, doors
from botproxy.worker.noting import noting

_log = logging.getLogger(__name__)

_POOL_SIZE: Final = 4096
_PLACES_SAMPLES: Final = 10
"""Seconds between two looks at whether a database of places was replaced."""

_NONCES_HERE: Final = 100_000
"""Solved challenges that one worker remembers; when they are more, the shared store alone decides."""


@final
class Randomness:
    """Unpredictable bytes for nonces and identities, fetched from the system in larger pieces."""

    __slots__ = ("_at", "_pool")

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def __call__(self, number: int) -> bytes:
        """`number` unpredictable bytes, never the same ones twice."""
        at = self._at
        if at + number > len(self._pool):
            self._pool = os.urandom(max(number, _POOL_SIZE))
            at = 0
        self._at = at + number
        return self._pool[at : at + number]


@final
class DataPlane:
    """A configuration, loaded and compiled before the workers fork."""

    def __init__(self, config: Config, keyring: KeyRing | None = None, lists: LoadedLists = NO_LISTS) -> None:
        """Raises `OperatorError` for what can only be known by trying: secrets, certificates, fingerprint files.

        With a `keyring` the configuration's own secret is left alone, and none has to exist.
        """
        self._config: Final = config
        self._watched: Final = lists.files
        self._keyring: Final[KeyRing] = load_keyring(config) if keyring is None else keyring
        self._heuristics: Final[Heuristics | None] = _heuristics(config.scoring.heuristics)
        self._learned: Final = models.engines(config)
        self._rulesets: Final = _rulesets(config, lists.lists)
        self._limiters: Final = _limiters(config, lists.lists)
        self._redaction: Final = Redaction(redact_query, redact_url) if config.events.redact_query else None
        self._doors: Final = doors(config)
        self._looks: Final = _looks(config)
        keyed = any(zone.sitekeys for zone in config.zones)
        self._bots: Final = Bots(config)
        self._programs: Final = Programs(self._keyring.shared("programs of scripts"))
        self._widget_script: Final = Scripts(bundle("widget.js"), self._programs) if keyed else None
        self._script: Final = Scripts(bundle("jsd.js"), self._programs) if any(map(_detects, config.zones)) else None
        self._places: Final = open_places(config.places)

    @property
    def plan(self) -> Plan:
        """See `contract.Blueprint`."""
        config = self._config
        return Plan(
            listeners=tuple(listener.address for listener in config.listeners),
            workers=config.workers or len(os.sched_getaffinity(0)),
            drain_seconds=config.timeouts.drain,
            data=str(config.data),
            mode=config.mode,
            zone_modes={zone.name: zone.mode for zone in config.zones},
            under_attack=_under_attack(config),
            events=config.events.model_dump(mode="json"),
            admin=config.admin.model_dump(mode="json"),
            watched=(
                *((watched.path, watched.signature) for watched in self._watched),
                *self._learned.watched,
            ),
            rate_keys=config.rate_limiting.keys if self._limiters else 0,
            bots=self._bots.errand(),
            privacy=_privacy(config),
            privacy_key=self._keyring.shared("privacy").hex() if _hashes(config) else "",
            training=models.training(config),
            outgoing=config.outgoing.model_dump(mode="json") if config.outgoing.proxy is not None else None,
            model=str(config.scoring.machine_learning.model or ""),
            logpush=tuple(job.model_dump(mode="json") for job in config.logpush),
            alerts=config.alerts.model_dump(mode="json"),
            state=described(settings_of(config.state)),
            clearance_seconds=max([each.cookies.challenge_ttl for each in config.zones], default=0) + 2 * 3600.0,
            anomalies={
                zone.name: zone.anomaly_detection.model_dump(mode="json")
                for zone in config.zones
                if zone.anomaly_detection.enabled
            }
            or None,
            shared_secret="" if config.state is None else self._keyring.shared("counters").hex(),
        )

    def compose(self, life: Life) -> Service:
        """See `contract.Blueprint`."""
        config = self._config
        wire = Wire(
            config.limits,
            config.timeouts,
            config.location,
            NetworkSet(config.forwarding.trusted),
            config.forwarding.hops,
            VouchedHeaders(config.forwarding.headers),
        )
        life.modes.configured(_under_attack(config))
        randomness = Randomness()
        here = MemoryStore(_NONCES_HERE)
        counts = None
        if self._limiters:
            # The secret is only for as long as the supervisor has not told the one that all workers share.
            counts = RateCounts(os.urandom(32), randomness, config.rate_limiting.keys)
            life.uplink.share(counts)
        profiles = Profiles(os.urandom(32), randomness, crowds=self._needs_crowds())
        life.uplink.share_profiles(profiles)
        bots = self._bots.begin(life.uplink)
        outliers = Outliers()
        life.uplink.anomalies = partial(_stands_out, outliers)
        revoked = Revocations()
        life.uplink.notices.subscribe(REVOKED, partial(_learn, revoked))
        hosts = config.host_table()
        reporters = report_limiter()
        sites = {
            zone.name: self._site(
                zone, wire, life, randomness, here, counts, profiles, bots, reporters, revoked, outliers
            )
            for zone in config.zones
        }
        gateway = Gateway(
            hosts=hosts,
            sites=sites,
            modes=life.modes,
            challenges=config.challenges,
            record=life.uplink.record,
            counters=life.uplink.counters,
            limiter=OwnPathLimiter(config.own_paths.rate, config.own_paths.burst, config.own_paths.addresses),
            health_peers=NetworkSet(config.health.peers),
            draining=lambda: life.draining,
            clock=time.perf_counter,
            randomness=randomness,
            redaction=self._redaction,
            own_paths=OwnPaths(config.own_paths.prefix),
            widget=self._widget(life, hosts, randomness, revoked),
            asker=None if bots is None else bots.asker,
            bot_wait=config.bots.wait,
        )
        plain = Pages(load_look(config.pages), prefix=config.own_paths.prefix)

        def pages(host: str) -> Pages:
            zone = hosts.find(host)
            return plain if zone is None else sites[zone].pages

        wire.pages = pages
        return Composition(
            Server(wire, gateway.handle, gateway.refused), life, self._doors, sites, self._places, outliers
        )

    def _needs_crowds(self) -> bool:
        """Whether some rule or hook looks at what others did with the same JA4, headers or path."""
        return (
            any(ruleset.needs_crowds for ruleset in self._rulesets.values())
            or any(limiter.needs_crowds for limiter in self._limiters.values())
            or any(zone.hook is not None for zone in self._config.zones)
        )

    def _widget(
        self, life: Life, hosts: HostTable, randomness: Randomness, revoked: Revocations
    ) -> WidgetRoutes | None:
        config = self._config
        if self._widget_script is None:
            return None
        keyring = self._keyring
        return WidgetRoutes(
            keys=[
                Key(
                    zone.name,
                    settings,
                    Sealer(keyring, TICKET_PURPOSE, zone.name, randomness),
                    Sealer(keyring, TOKEN_PURPOSE, zone.name, randomness),
                    Jar(keyring, zone.name, zone.cookies, randomness, revoked),
                )
                for zone in config.zones
                for settings in zone.sitekeys
            ],
            settings=config.widget,
            challenges=config.challenges,
            script=self._widget_script,
            own_paths=OwnPaths(config.own_paths.prefix),
            zone_of=hosts.find,
            limiter=OwnPathLimiter(config.own_paths.rate, config.own_paths.burst, config.own_paths.addresses),
            store=life.uplink,
            counters=life.uplink.counters,
            clock=time.perf_counter,
            randomness=randomness,
        )

    def _site(
        self,
        zone: ZoneSettings,
        wire: Wire,
        life: Life,
        randomness: Randomness,
        here: MemoryStore,
        counts: RateCounts | None,
        profiles: Profiles,
        bots: Recognition | None,
        reporters: OwnPathLimiter,
        revocations: Revocations,
        outliers: Outliers,
    ) -> Site:
        config = self._config
        plain = None
        if zone.challenge_without_javascript:
            plain = Sealer(self._keyring, "plain", zone.name, randomness)
        replay = Sealer(self._keyring, REPLAY_PURPOSE, zone.name, randomness, LONGEST_TEXT)
        node = node_number(f"{socket.gethostname()} {config.data}".encode())
        jar = Jar(self._keyring, zone.name, zone.cookies, randomness, revocations, node)
        sealer = Sealer(self._keyring, PURPOSE, zone.name, randomness)
        engines: list[tuple[str, Engine]] = []
        heuristics = self._heuristics
        if heuristics is not None:
            chosen = zone.heuristics
            engines.append(
                (
                    "heuristics",
                    ZoneHeuristics(heuristics, chosen.disabled, chosen.shadowed)
                    if chosen.disabled or chosen.shadowed
                    else heuristics,
                )
            )
        if zone.anomaly_detection.enabled:
            engines.append(("anomaly", AnomalyDetection(outliers.of(zone.name))))
        engines.append(("jsd", JavaScriptDetections()))
        learned = self._learned.active if zone.bot_management.auto_update_model else self._learned.chosen
        if learned is not None:
            engines.append(("machine_learning", learned))
        limiter = self._limiters.get(zone.name)
        ruleset = self._rulesets[zone.name]
        # What no engine, no rule and no hook looks at is not counted.
        looked_at = (
            ruleset.needs_profile
            or (limiter is not None and limiter.needs_profile)
            or zone.hook is not None
            or any(getattr(engine, "reads_profile", False) for _, engine in engines)
        )
        pipeline = Pipeline(
            zone=zone.name,
            plain=zone.challenge_without_javascript,
            engines=engines,
            ruleset=ruleset,
            jar=jar,
            randomness=randomness,
            sessions=zone.cookies.bm_cookie_enabled,
            session_scores=not zone.bot_management.suppress_session_score,
            on_failure=zone.on_failure,
            redaction=self._redaction,
            rates=limiter.bind(counts) if limiter is not None and counts is not None else None,
            recogniser=self._bots.recogniser(bots, zone.bot_management.disallowed),
            places=self._places,
            profiles=profiles if looked_at else None,
        )
        _rehearse(zone.name, pipeline)
        hook = None
        if zone.hook is not None:
            hook = Hook(zone.name, zone.hook, config.location, _HookCounts(zone.name, life.uplink.counters).add)
        host = None if zone.origin.host is None else zone.origin.host.encode()
        own = OwnCookies(zone.cookies.session_name, zone.cookies.clearance_name)
        origins = OriginPool(wire, zone.origins, zone.origin, host, own)
        asked = self._bots.robots(zone.bot_management.disallowed)
        look = self._looks[zone.name]
        seals = ReportSeals(Sealer(self._keyring, REPORT_PURPOSE, zone.name, randomness))
        pages = Pages(look, seals, config.own_paths.prefix)
        return Site(
            name=zone.name,
            pipeline=pipeline,
            origins=origins,
            sealer=sealer,
            bind_address=zone.cookies.bind_address,
            routes=ChallengeRoutes(
                zone=zone.name,
                settings=config.challenges,
                sealer=sealer,
                jar=jar,
                store=life.uplink,
                burn_here=here.burn_now,
                challenge_ttl=float(zone.cookies.challenge_ttl),
                counters=life.uplink.counters,
                own_paths=OwnPaths(config.own_paths.prefix),
                randomness=randomness,
                node=node,
                programs=self._programs,
                replay=replay,
                plain=None
                if plain is None
                else PlainRoutes(
                    zone=zone.name,
                    sealer=plain,
                    proof=Sealer(self._keyring, "plain proof", zone.name, randomness),
                    jar=jar,
                    pages=pages,
                ),
            ),
            replay=replay,
            plain=plain,
            managed=managed(zone.managed_request_headers),
            scripts=self._page_scripts(zone, life, randomness),
            detections=self._detection_routes(zone, life, randomness, here, jar, pipeline),
            robots=ManagedRobots(asked, origins.origins, host) if asked else None,
            pages=pages,
            reports=None
            if not look.reports
            else ReportRoutes(
                zone=zone.name,
                seals=seals,
                pages=pages,
                limiter=reporters,
                store=life.uplink,
                send=life.uplink.report,
                counters=life.uplink.counters,
                clock=time.monotonic,
            ),
            https_port=zone.https.port if zone.https.redirect else 0,
            hook=hook,
        )

    def _page_scripts(self, zone: ZoneSettings, life: Life, randomness: Randomness) -> PageScripts | None:
        if not zone.bot_management.javascript_detections:
            return None
        return PageScripts(
            Scene(
                zone=zone.name,
                sealer=Sealer(self._keyring, bootstrap.PURPOSE, zone.name, randomness),
                bind_address=zone.cookies.bind_address,
                randomness=randomness,
                counters=life.uplink.counters,
                prefix=self._config.own_paths.prefix,
                consent_event=zone.javascript_detections.consent_event,
            ),
            PassedOver(zone.name, life.uplink.passed_over),
        )

    def _detection_routes(
        self,
        zone: ZoneSettings,
        life: Life,
        randomness: Randomness,
        here: MemoryStore,
        jar: Jar,
        pipeline: Pipeline,
    ) -> DetectionRoutes | None:
        script = self._script
        if script is None or not _detects(zone):
            return None
        return DetectionRoutes(
            Powers(
                zone=zone.name,
                sealer=Sealer(self._keyring, bootstrap.PURPOSE, zone.name, randomness),
                jar=jar,
                bind_address=zone.cookies.bind_address,
                randomness=randomness,
                store=life.uplink,
                burn_here=here.burn_now,
                counters=life.uplink.counters,
                script=script,
                judge=partial(judge, programs=self._programs),
                own_paths=OwnPaths(self._config.own_paths.prefix),
                consent_event=zone.javascript_detections.consent_event,
            ),
            noting(pipeline, zone.name, life.uplink.counters, REPORTS),
        )


@final
class Composition:
    """The data plane of one worker, on its loop."""

    def __init__(
        self,
        server: Server,
        life: Life,
        all_doors: Mapping[str, Door],
        sites: Mapping[str, Site],
        places: Places | None = None,
        outliers: Outliers | None = None,
    ) -> None:
        self._places: Final = places
        self._outliers: Final = outliers
        self._samples = 0
        self._server: Final = server
        self._life: Final = life
        self._doors: Final = all_doors
        self._renewal: Final = Renewal(all_doors.values())
        self._sites: Final = sites

    async def start(self, listening: Mapping[str, socket.socket]) -> None:
        """See `contract.Service`."""
        # Who is served before its hook is there would go on without it.
        await asyncio.gather(*[site.hook.start() for site in self._sites.values() if site.hook is not None])
        await self._server.start(self._doors[address].listener(bound) for address, bound in listening.items())
        self._renewal.start()

    async def drain(self, seconds: float) -> None:
        """See `contract.Service`."""
        self._renewal.stop()
        await self._server.drain(seconds)
        for site in self._sites.values():
            site.origins.close()
            if site.robots is not None:
                site.robots.close()
            if site.hook is not None:
                await site.hook.close()
        await asyncio.sleep(0)

    def sample(self) -> None:
        """See `contract.Service`."""
        wire = self._server.wire.counts
        counters = self._life.uplink.counters
        counters.gauges["connections"] = wire.connections
        counters.gauges["requests_in_flight"] = wire.requests_now
        # The wire counts from this worker's start, as counters do, so that its numbers can be taken as they are.
        counts = counters.counts
        counts["connections_accepted",] = wire.accepted
        counts["requests_read",] = wire.requests
        counts["requests_refused",] = wire.refused
        counts["requests_retried",] = wire.retried
        counts["origin_connections_opened",] = wire.upstream_opened
        counts["origin_connections_reused",] = wire.upstream_reused
        counts["handler_errors",] = wire.handler_errors
        for ending, number in self._server.unfinished.counts.items():
            counts["handshakes", ending] = number
        counts["http2_connections",] = wire.http2_connections
        counts["http2_broken",] = wire.http2_broken
        for kind, number in wire.http2_floods.items():
            counts["http2_floods", kind] = number
        counts["certificates_renewed",] = self._renewal.renewed
        counters.gauges["handshakes_unfinished"] = len(self._server.unfinished)
        counters.gauges["certificates_failing"] = self._renewal.failing
        if self._outliers is not None:
            self._outliers.expire(time.time())
        self._samples += 1
        if self._places is not None and self._samples % _PLACES_SAMPLES == 0:
            for problem in self._places.refresh():
                _log.error("the one before goes on", extra=log.fields(problem=problem))


@final
class _HookCounts:
    """What came of asking the hook of one zone, counted."""

    def __init__(self, zone: str, counters: Counters) -> None:
        self._zone: Final = zone
        self._counters: Final = counters

    def add(self, result: str) -> None:
        """Count one result, or a process that ended."""
        zone = self._zone
        self._counters.add(("hook_processes_ended", zone) if result == "ended" else ("hook", zone, result))


_REHEARSAL: Final = (
    Request(
        ray="0" * 16,
        received=0.0,
        method=b"GET",
        target=b"/",
        path=b"/",
        query=None,
        version="HTTP/1.1",
        secure=False,
        authority=b"localhost",
        host="localhost",
        headers=Headers(((b"Host", b"localhost"), (b"User-Agent", b"botproxy-rehearsal"))),
        body_length=0,
    ),
    Client(IPv4Address("127.0.0.1"), "127.0.0.1", 0, "127.0.0.1"),
)


def _rehearse(zone: str, pipeline: Pipeline) -> None:
    """Decide once before anybody is served: what fails for every request is to fail the start, not to forward all."""
    decision = pipeline.decide(*_REHEARSAL, enforce=False, navigation=True)
    if decision.failures:
        raise RuntimeError(f"zone {zone}: deciding fails in {', '.join(decision.failures)}")


def _learn(revocations: Revocations, notice: Notice) -> None:
    said = read_revocation(notice.body)
    if said is not None:
        revocations.learn(said)


def _stands_out(outliers: Outliers, payload: bytes) -> None:
    try:
        outliers.take(read_anomalies(payload), time.time())
    except AnomalyError as error:
        raise FrameError(str(error)) from None


def _looks(config: Config) -> dict[str, Look]:
    """By zone; those that set nothing of their own share one."""
    usual = load_look(config.pages)
    return {zone.name: usual if zone.pages is None else load_look(zone.pages) for zone in config.zones}


def _detects(zone: ZoneSettings) -> bool:
    return zone.bot_management.javascript_detections or zone.javascript_detections.manual


def _privacy(config: Config) -> tuple[tuple[str, dict[str, Any]], ...]:
    usual = PrivacySettings()
    return tuple((zone.name, zone.privacy.model_dump(mode="json")) for zone in config.zones if zone.privacy != usual)


def _hashes(config: Config) -> bool:
    return any(zone.privacy.addresses == "hashed" for zone in config.zones)


def _under_attack(config: Config) -> tuple[str, ...]:
    return tuple(zone.name for zone in config.zones if zone.security_level == "under_attack")


def _rulesets(config: Config, lists: Lists) -> dict[str, ZoneRuleset]:
    compiled: dict[str, ZoneRuleset] = {}
    where = "rulesets"
    try:
        account = compile_account(config.rulesets, lists)
        for zone in config.zones:
            where = f"zone {zone.name}"
            compiled[zone.name] = zone_ruleset(zone, deployed(account, zone.name), lists)
    except RulesetError as error:
        raise OperatorError(f"{where}: {error}") from None
    return compiled


def _limiters(config: Config, lists: Lists) -> dict[str, RateLimiter]:
    """By zone, for those that have rate limits."""
    compiled: dict[str, RateLimiter] = {}
    for zone in config.zones:
        try:
            limiter = rate_limiter(zone, lists)
        except RulesetError as error:
            raise OperatorError(f"zone {zone.name}: {error}") from None
        if limiter is not None:
            compiled[zone.name] = limiter
    return compiled


def _heuristics(settings: HeuristicsSettings) -> Heuristics | None:
    if not settings.enabled:
        return None
    texts = shipped_fingerprints()
    for path in settings.files:
        try:
            texts[str(path)] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            raise OperatorError(f"scoring.heuristics.files: {path}: {problem}") from None
    return Heuristics.load(texts, settings.disabled, load_clients(settings))


def load(source: object) -> Blueprint:
    """The blueprint of a configuration source in its JSON form. Raises `OperatorError` with every problem."""
    examined = examine(Source.from_json(str(source)))
    for warning in examined.warnings:
        _log.warning("configuration warning", extra=log.fields(warning=warning))
    return DataPlane(examined.config, lists=examined.lists)
