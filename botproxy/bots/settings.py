"""What an operator may set about verified bots."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from botproxy.addresses import parse_address
from botproxy.addresses.settings import NetworkText
from botproxy.schema import Seconds, Section, Size

_SERVER: Final = re.compile(
    r"(?:([0-9.]{7,15})(?::([0-9]{1,5}))?|\[([0-9a-fA-F:.]{2,45})\]:([0-9]{1,5})|([0-9a-fA-F:.]{2,45}))\Z"
)


def _server(value: object) -> str:
    right = "a resolver is an address with or without port, such as 127.0.0.1, 127.0.0.1:5353 or [::1]:53"
    if not isinstance(value, str):
        raise ValueError(right)
    found = _SERVER.match(value)
    if found is None or parse_address(found[1] or found[3] or found[5]) is None:
        raise ValueError(right)
    if int(found[2] or found[4] or 53) > 65535:
        raise ValueError(right)
    return value


class ListFetchSettings(Section):
    """Published lists of addresses."""

    fetch: bool = True
    """Whether lists are fetched from their operators at all; those on disk are used in any case."""

    every: Annotated[Seconds, Field(ge=300.0, le=7 * 86400.0)] = 6 * 3600.0
    """Time between two fetches of one list; a list that could not be fetched is tried again after a tenth of it."""

    stale_after: Annotated[Seconds, Field(ge=3600.0, le=90 * 86400.0)] = 3 * 86400.0
    """Age from which a list refuses nobody any more: addresses in it still verify, and its age is told."""

    timeout: Annotated[Seconds, Field(gt=0.0, le=120.0)] = 20.0
    """Time for one fetch, from its name to its last byte."""

    size: Annotated[Size, Field(ge=1024, le=64 * 1024**2)] = 8 * 1024**2
    """Bytes of one answer, beyond which it is not read."""


class NameSettings(Section):
    """Names of addresses: reverse DNS, confirmed forward."""

    servers: Annotated[tuple[Annotated[str, BeforeValidator(_server)], ...], Field(max_length=8)] = ()
    """Resolvers, as addresses with or without port, such as `127.0.0.1` or `127.0.0.1:5353`; none for the system's."""

    timeout: Annotated[Seconds, Field(gt=0.0, le=30.0)] = 2.0
    """Time for all questions about one address."""

    keep_confirmed: Annotated[Seconds, Field(ge=60.0, le=30 * 86400.0)] = 86400.0
    """Time for which a confirmed name stands before it is asked again; it goes on standing while DNS is away."""

    keep_refused: Annotated[Seconds, Field(ge=10.0, le=86400.0)] = 1800.0
    """Time for which an address without such a name is not asked about again."""

    addresses: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    """Addresses that are remembered; when there are more, those not seen for longest are forgotten."""

    at_once: Annotated[int, Field(ge=1, le=4096)] = 64
    """Addresses that are asked about at the same time; claims beyond are neither verified nor refused."""


class SignatureSettings(Section):
    """Web Bot Auth, and requests signed by clients of your own."""

    enabled: bool = True
    """Whether signatures are looked at."""

    skew: Annotated[Seconds, Field(ge=0.0, le=3600.0)] = 60.0
    """How far the clocks of signers may be off."""

    longest: Annotated[Seconds, Field(ge=60.0, le=30 * 86400.0)] = 86400.0
    """Longest time between `created` and `expires` of a signature that is accepted."""

    own_longest: Annotated[Seconds, Field(ge=10.0, le=86400.0)] = 300.0
    """The same for clients of your own, and how long a signature of theirs without `expires` is good."""

    single_use: bool = True
    """Whether a signature with a `nonce` is good for one request; one without can be used until it ends."""

    keep_keys: Annotated[Seconds, Field(ge=60.0, le=30 * 86400.0)] = 3600.0
    """Time for which the keys of an agent are used before they are fetched again."""

    retry: Annotated[Seconds, Field(ge=10.0, le=300.0)] = 120.0
    """Time for which a key that is not there, or a directory that could not be fetched, is not asked for again."""

    timeout: Annotated[Seconds, Field(gt=0.0, le=30.0)] = 5.0
    """Time for fetching the keys of an agent, from its name to its last byte."""

    size: Annotated[Size, Field(ge=1024, le=1024**2)] = 64 * 1024
    """Bytes of a directory of keys, beyond which it is not read."""

    private_networks: list[NetworkText] = Field(default_factory=list)
    """Networks that are not part of the internet and where directories of keys may lie all the same: agents of your
    own."""

    ca_file: Path | None = None
    """Authorities for the certificates of those agents, beside the system's."""


class Settings(Section):
    """Bots that say who they are, and how that is verified."""

    enabled: bool = True
    """Whether bots are recognised."""

    shipped: bool = True
    """Whether the directory that comes with the product is used."""

    files: Annotated[tuple[Path, ...], Field(max_length=100)] = ()
    """More files of bots: your own clients, and whom you know. The form is in docs/verified-bots.md."""

    wait: Annotated[Seconds, Field(ge=0.0, le=10.0)] = 0.5
    """How long the first request of a bot that nobody knows yet may wait for its verification; 0 never waits."""

    lists: ListFetchSettings = ListFetchSettings()
    """Published lists of addresses."""

    names: NameSettings = NameSettings()
    """Reverse DNS."""

    signatures: SignatureSettings = SignatureSettings()
    """Signed requests."""
