"""Zones beside each other: names, hosts, origins and cookie domains."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from ipaddress import IPv6Address

from botproxy.config.endpoints import origin_fault
from botproxy.config.problems import Said, shown
from botproxy.config.tree import Config, ZoneSettings
from botproxy.cookies import check_cookie_domain
from botproxy.errors import OperatorError
from botproxy.rulesets.bot_management import built_in

_CREDENTIALS = re.compile(r"//[^/]*@")
_NAME = re.compile(r"(?:\*\.)?(?!-)[0-9a-z_-]{1,63}(?<!-)(?:\.(?!-)[0-9a-z_-]{1,63}(?<!-)){0,126}\Z")


def host_fault(host: str) -> str:
    """What would be right instead of this host; "" when it is right."""
    if host.startswith("["):
        try:
            return (
                "" if host == f"[{IPv6Address(host[1:-1]).compressed}]" else f"[{IPv6Address(host[1:-1]).compressed}]"
            )
        except ValueError:
            return "a name such as example.com, or *.example.com"
    if _NAME.match(host) and len(host) <= 253:
        return ""
    better = re.sub(r"^[a-z]+://", "", host.lower()).split("/")[0]
    better = re.sub(r":\d+$", "", better).rstrip(".")
    if not better.isascii():
        try:
            better = better.encode("idna").decode("ascii")
        except UnicodeError:
            better = ""
    if _NAME.match(better):
        return better
    return "a name such as example.com, or *.example.com for every name below it"


def names(config: Config) -> Iterator[Said]:
    """Every zone has a name of its own."""
    seen: dict[str, int] = {}
    for at, zone in enumerate(config.zones):
        path = ("zones", at, "name")
        if zone.name == "refuse":
            yield Said(
                path, "`refuse` cannot name a zone", "another name: `unknown_host: refuse` means that none is asked"
            )
        if seen.setdefault(zone.name, at) != at:
            yield Said(
                path,
                f"a second zone with the name {shown(zone.name)}",
                f"another name: zones[{seen[zone.name]}] has this one",
            )


def hosts(config: Config) -> Iterator[Said]:
    """Every host is a host name and belongs to one zone; every zone can be reached."""
    owners: dict[str, tuple[int, int]] = {}
    for at, zone in enumerate(config.zones):
        if not zone.hosts and config.unknown_host != zone.name:
            yield Said(
                ("zones", at),
                f"nothing reaches the zone {shown(zone.name)}: it has no hosts",
                f"add `hosts: [example.com]`, or `unknown_host: {zone.name}` at the top",
            )
        for nth, host in enumerate(zone.hosts):
            path = ("zones", at, "hosts", nth)
            fault = host_fault(host)
            if fault:
                yield Said(path, f"{shown(host)} is no host name", fault)
                continue
            owner = owners.setdefault(host, (at, nth))
            if owner != (at, nth):
                where = f"zones[{owner[0]}] has it" if owner[0] != at else f"hosts[{owner[1]}] is the same"
                yield Said(path, f"the host {shown(host)} is here a second time", f"remove it: {where}")
    yield from _nested(owners)


def _nested(owners: dict[str, tuple[int, int]]) -> Iterator[Said]:
    for host, (at, nth) in owners.items():
        if not host.startswith("*."):
            continue
        labels = host[2:].split(".")
        for start in range(1, len(labels)):
            wider = "*." + ".".join(labels[start:])
            if wider in owners and owners[wider][0] != at:
                yield Said(
                    ("zones", at, "hosts", nth),
                    f"{shown(host)} overlaps {shown(wider)} of zones[{owners[wider][0]}]",
                    "nothing, if meant: the longer one wins",
                    warning=True,
                )


def unknown_host(config: Config) -> Iterator[Said]:
    """`unknown_host` is `refuse` or one of the zones."""
    known = [zone.name for zone in config.zones]
    if config.unknown_host != "refuse" and config.unknown_host not in known:
        close = difflib.get_close_matches(config.unknown_host[:80], ["refuse", *known], 1)
        right = f"did you mean `{close[0]}`?" if close else "`refuse` or the name of a zone: " + ", ".join(known[:10])
        yield Said(("unknown_host",), f"there is no zone {shown(config.unknown_host)}", right)


def origins(config: Config) -> Iterator[Said]:
    """Every origin is a URL of a server, without a path; all origins of a zone speak alike."""
    for at, zone in enumerate(config.zones):
        for nth, origin in enumerate(zone.origins):
            fault = origin_fault(origin)
            if fault:
                yield Said(
                    ("zones", at, "origins", nth), f"{shown(_CREDENTIALS.sub('//…@', origin))} is no origin", fault
                )
        if zone.origin.ca_file is not None and not any(o.startswith("https:") for o in zone.origins):
            yield Said(
                ("zones", at, "origin", "ca_file"),
                "has no effect: no origin of this zone is https",
                "an https:// origin, or remove it",
                warning=True,
            )
        if not zone.origin.verify and any(o.startswith("https:") for o in zone.origins):
            yield Said(
                ("zones", at, "origin", "verify"),
                "anyone between here and the origin can pose as it",
                "give `ca_file` the authority that signed its certificate",
                warning=True,
            )


def cookie_domains(config: Config) -> Iterator[Said]:
    """A cookie domain covers every host of its zone; that it is nobody's public suffix was seen when it was read."""
    for at, zone in enumerate(config.zones):
        if zone.cookies.cookie_domain is None:
            continue
        try:
            check_cookie_domain(zone.cookies.cookie_domain, zone.hosts)
        except OperatorError as error:
            yield Said(
                ("zones", at, "cookies", "cookie_domain"), str(error), "a domain that every host of the zone ends with"
            )


def javascript_detections(config: Config) -> Iterator[Said]:
    """Pages come by the script by themselves or by the site's own hand, never both."""
    for at, zone in enumerate(config.zones):
        bots = zone.bot_management
        manual = zone.javascript_detections.manual
        path = ("zones", at, "javascript_detections", "manual")
        if manual and bots.fight_mode:
            yield Said(
                path,
                "pages would run JavaScript detections twice: `fight_mode` puts them into every page",
                "`manual: false`, or no `fight_mode`",
            )
        elif manual and bots.enable_js:
            yield Said(
                path,
                "pages would run JavaScript detections twice: `enable_js` puts them into every page",
                "`enable_js: false` in `bot_management` beside it, or `manual: false`",
            )
        elif not manual and not bots.javascript_detections and zone.js_detection_action != "allow":
            yield Said(
                ("zones", at, "js_detection_action"),
                "has no effect: no page gets the script of JavaScript detections",
                "`enable_js: true` in `bot_management`",
                warning=True,
            )


def idle(config: Config) -> Iterator[Said]:
    """Enforcing needs something to enforce: only `serve --origin` brings a rule of its own."""
    for at, zone in enumerate(config.zones):
        if (zone.mode or config.mode) == "enforce" and not _judged(config, zone):
            yield Said(
                ("zones", at),
                "enforces, and has no rule: every request is scored and forwarded",
                "`rules`, as in docs/rules.md",
                warning=True,
            )


def _judged(config: Config, zone: ZoneSettings) -> bool:
    bots = zone.bot_management
    return (
        any(rule.enabled for rule in zone.rules)
        or any(rule.enabled for rule in zone.rate_limits)
        or any(rule.enabled for rule in zone.access_rules)
        or any(rule.enabled for rule in zone.user_agent_rules)
        or any(
            each.enabled and each.rules and (each.zones is None or zone.name in each.zones) for each in config.rulesets
        )
        or bool(zone.presets)
        or zone.security_level != "off"
        or zone.js_detection_action != "allow"
        or any(True for _ in built_in(bots))
    )
