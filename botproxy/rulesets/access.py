"""IP access rules: what happens to an address, a network, an ASN or a country, before anything else is asked.

A rule that allows wins over all others; among the others an address beats a network, a longer network a shorter one,
a network an ASN, and an ASN a country.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_address, ip_network
from typing import Annotated, ClassVar, Final, Literal, final

from pydantic import Field, model_validator

from botproxy.model import Action, Client
from botproxy.rulesets.ruling import Ruling, ruling
from botproxy.schema import Section

_ASN: Final = re.compile(r"(?:AS)?([0-9]{1,10})\Z", re.IGNORECASE)
_COUNTRY: Final = re.compile(r"[A-Z][A-Z0-9]\Z")

_SOURCES: Final = {"ip": "ip", "ip6": "ip", "ip_range": "ipRange", "asn": "asn", "country": "country"}

ACTIONS: Final = {
    "block": Action.BLOCK,
    "challenge": Action.CHALLENGE,
    "js_challenge": Action.JS_CHALLENGE,
    "managed_challenge": Action.MANAGED_CHALLENGE,
    "whitelist": Action.ALLOW,
    "allow": Action.ALLOW,
}

Network = tuple[int, int, int]
"""Version, prefix length, and the network's bits alone."""


class AccessConfiguration(Section):
    """Whom an IP access rule is about."""

    target: Literal["ip", "ip6", "ip_range", "asn", "country"]
    """What `value` is: `ip` or `ip6` an address, `ip_range` a network, `asn` a number, `country` two letters."""

    value: str
    """Such as `192.0.2.7`, `2001:db8::/32`, `AS64496`, `NL`, or `T1` for the Tor network."""

    @model_validator(mode="after")
    def _fits(self) -> AccessConfiguration:
        fault = _fault(self.target, self.value)
        if fault:
            raise ValueError(f"the value is none for the target `{self.target}` — {fault}")
        return self


class AccessRuleSettings(Section):
    """One IP access rule."""

    refused: ClassVar[Mapping[str, str]] = {
        "id": "it is `ref` here, and may be left out",
        "notes": "it is `description` here",
        "paused": "it is `enabled: false` here",
    }

    ref: Annotated[str, Field(max_length=64)] = ""
    """What logs and metrics call it; left out, its value."""

    description: Annotated[str, Field(max_length=500)] = ""
    """What the rule is for, for people."""

    mode: Literal["block", "challenge", "js_challenge", "managed_challenge", "whitelist", "allow"]
    """What is done: `block`, `challenge`, `js_challenge`, `managed_challenge`; `allow`, which the original also calls
    `whitelist`, forwards without asking anything else."""

    configuration: AccessConfiguration
    """Whom it is about."""

    enabled: bool = True
    """Whether it is asked at all."""

    shadow: bool = False
    """Try it out: what it would have done is counted and stands in the event, and nothing is done."""


@final
class AccessTable:
    """IP access rules of one zone. Asking costs one look-up for each length of prefix that is in use."""

    __slots__ = ("_asns", "_countries", "_lengths4", "_lengths6", "_networks")

    def __init__(self, rules: Iterable[AccessRuleSettings]) -> None:
        """Rules with the same target and value: the first one counts."""
        self._networks: Final[dict[Network, Ruling]] = {}
        self._asns: Final[dict[int, Ruling]] = {}
        self._countries: Final[dict[str, Ruling]] = {}
        for rule in rules:
            if rule.enabled:
                self._add(rule)
        self._lengths4: Final = sorted({length for version, length, _ in self._networks if version == 4}, reverse=True)
        self._lengths6: Final = sorted({length for version, length, _ in self._networks if version == 6}, reverse=True)

    def _add(self, rule: AccessRuleSettings) -> None:
        target, value = rule.configuration.target, rule.configuration.value
        wish = ruling(rule.ref or value, rule.description, ACTIONS[rule.mode], _SOURCES[target], shadow=rule.shadow)
        if target == "asn":
            self._asns.setdefault(asn(value), wish)
        elif target == "country":
            self._countries.setdefault(value.upper(), wish)
        else:
            self._networks.setdefault(key(value), wish)

    def __len__(self) -> int:
        return len(self._networks) + len(self._asns) + len(self._countries)

    def matching(self, client: Client) -> list[Ruling]:
        """The rules about this client: those that allow first, then from the most to the least specific."""
        found: list[Ruling] = []
        address = client.address
        networks = self._networks
        if networks:
            version = address.version
            width = 32 if version == 4 else 128
            number = int(address)
            for length in self._lengths4 if version == 4 else self._lengths6:
                wish = networks.get((version, length, number >> (width - length)))
                if wish is not None:
                    found.append(wish)
        place = client.place
        if place is not None:
            if place.asn is not None:
                wish = self._asns.get(place.asn)
                if wish is not None:
                    found.append(wish)
            if place.country is not None:
                wish = self._countries.get(place.country)
                if wish is not None:
                    found.append(wish)
        if len(found) > 1:
            found.sort(key=_allows_last)
        return found


def _allows_last(wish: Ruling) -> bool:
    return wish.action is not Action.ALLOW


def key(value: str) -> Network:
    """The key of an address or a network. ValueError when it is neither."""
    network = ip_network(value)
    version = 4 if isinstance(network, IPv4Network) else 6
    width = network.max_prefixlen
    return version, network.prefixlen, int(network.network_address) >> (width - network.prefixlen)


def asn(value: str) -> int:
    """The number of `AS64496` or `64496`. ValueError when it is none."""
    found = _ASN.match(value)
    if found is None or not int(found[1]) <= 0xFFFFFFFF:
        raise ValueError(f"{value[:80]!r} is no ASN")
    return int(found[1])


def _fault(target: str, value: str) -> str:
    """What would be right; "" when it is."""
    try:
        if target in ("ip", "ip6"):
            version = 4 if target == "ip" and ":" not in value else 6
            address = ip_address(value)
            if "%" in value or address.version != version or (target == "ip6" and version == 4):
                raise ValueError
        elif target == "ip_range":
            if "/" not in value or "%" in value:
                raise ValueError
            key(value)
        elif target == "asn":
            asn(value)
        elif _COUNTRY.match(value.upper()) is None:
            raise ValueError
    except ValueError:
        return {
            "ip": "an address such as `192.0.2.7`",
            "ip6": "an IPv6 address such as `2001:db8::7`",
            "ip_range": "a network such as `192.0.2.0/24`, without bits behind its length",
            "asn": "a number such as `64496` or `AS64496`",
            "country": "two letters such as `NL`, or `T1` for Tor",
        }[target]
    return ""
