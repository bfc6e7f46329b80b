"""Where an address is, by the operator's databases: MMDB files of any of the usual makers, read where they lie.

A file that was replaced is taken up; one that became unreadable is said, and the one before goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from botproxy.addresses.clouds import Clouds, load_clouds, shipped_clouds
from botproxy.addresses.faults import PlacesError
from botproxy.addresses.networks import NetworkSet, parse_network
from botproxy.addresses.place_settings import PlaceSettings
from botproxy.model import Address, Client, Cloud, Place

REMEMBERED: Final = 4096
"""Addresses whose place is remembered, twice: in two generations."""

MAX_LIST: Final = 8 * 1024**2

TOR: Final = "T1"
"""The country of addresses from which Tor leads out."""

_TOR: Final = Place(country=TOR)


_TOR_LIST, _CORPORATE = 0, 1

_Signature = tuple[int, int, int]
"""Inode, size, nanoseconds of the last change."""

_GONE: Final = (0, 0, 0)

_Known = tuple[Place | None, Cloud | None]


class _Open(NamedTuple):
    path: Path
    signature: _Signature
    reader: Any


class _Listed(NamedTuple):
    path: Path | None
    signature: _Signature
    networks: NetworkSet


@final
class Places:
    """Opened before workers fork, which then share the files' pages; each looks after its own replacements."""

    __slots__ = ("_clouds", "_databases", "_lists", "_old", "_seen", "_young")

    def __init__(
        self,
        databases: Sequence[Path],
        tor: Path | None = None,
        corporate: Path | None = None,
        clouds: Clouds | None = None,
    ) -> None:
        """What a database does not say, the next one may. `tor` and `corporate` are files with a network a line: where
        Tor leads out, and proxies of companies. Raises `PlacesError`.
        """
        self._clouds: Final = clouds
        self._databases: list[_Open] = [_open(path) for path in databases]
        self._lists: Final = [_read(tor), _read(corporate)]
        self._seen: Final[dict[Path, _Signature]] = {}  # replacements that were looked at
        self._young: dict[str, _Known] = {}  # by the address's text, which is cheaper to look up than an address
        self._old: dict[str, _Known] = {}

    def locate(self, address: Address) -> Place | None:
        """The place of an address; None when no database knows it."""
        return self._known(str(address), address)[0]

    def placed(self, client: Client) -> Client:
        """The same client with its place, None when no database knows it, and its cloud."""
        address, text, port, peer, tls, before, score, here, here_port, http2, cloud_before = client
        place, cloud = self._young.get(text) or self._known(text, address)
        if place is before and cloud is cloud_before:
            return client
        return Client(address, text, port, peer, tls, place, score, here, here_port, http2, cloud)

    def _known(self, text: str, address: Address) -> _Known:
        young = self._young
        known = young.get(text)
        if known is not None:
            return known
        known = self._old.get(text)
        if known is None:
            clouds = self._clouds
            known = self._locate(address), None if clouds is None else clouds.find(address)
        if len(young) >= REMEMBERED:
            self._old = young
            self._young = young = {}
        young[text] = known
        return known

    def corporate(self, address: Address) -> bool:
        """Whether many people of one company come from this address."""
        networks = self._lists[_CORPORATE].networks
        return len(networks) > 0 and address in networks

    def refresh(self) -> list[str]:
        """Take up files that were replaced; what is wrong with those that cannot be, once for each replacement."""
        problems: list[str] = []
        for at, each in enumerate(self._databases):
            if self._replaced(each.path, each.signature):
                try:
                    self._databases[at] = _open(each.path)
                except PlacesError as error:
                    problems.append(str(error))
        for at, listed in enumerate(self._lists):
            if listed.path is not None and self._replaced(listed.path, listed.signature):
                try:
                    self._lists[at] = _read(listed.path)
                except PlacesError as error:
                    problems.append(str(error))
        return problems

    def _replaced(self, path: Path, known: _Signature) -> bool:
        signature = _signature(path)
        if signature in (known, _GONE) or self._seen.get(path) == signature:
            return False
        self._seen[path] = signature
        self._young = {}
        self._old = {}
        return True

    def _locate(self, address: Address) -> Place | None:
        place: Place | None = None
        for each in self._databases:
            try:
                record = each.reader.get(address)
            except (ValueError, RuntimeError):  # an IPv6 address in a database of IPv4, or a broken page
                continue
            if isinstance(record, dict):
                place = _merged(place, read_record(record))
        if address in self._lists[_TOR_LIST].networks:
            place = _TOR if place is None else place._replace(country=TOR)
        return place


def open_places(settings: PlaceSettings) -> Places | None:
    """Everything that the operator gave; None where nothing is known of any address. Raises `PlacesError`."""
    clouds: Clouds | None = None
    if settings.clouds != "off":
        path = shipped_clouds() if settings.clouds == "package" else settings.clouds
        if path is not None or settings.more_clouds is not None:
            clouds = load_clouds(path, settings.more_clouds)
    if clouds is None and not settings.databases and settings.tor is None and settings.corporate_proxies is None:
        return None
    return Places(settings.databases, settings.tor, settings.corporate_proxies, clouds)


def read_record(record: Mapping[str, Any]) -> Place:
    """A record in the form of MaxMind and DB-IP (nested), or of IPinfo (flat)."""
    country = _mapping(record.get("country")) or _mapping(record.get("registered_country"))
    location = _mapping(record.get("location"))
    divisions = record.get("subdivisions")
    first = _mapping(divisions[0]) if isinstance(divisions, list) and divisions else {}
    second = _mapping(divisions[1]) if isinstance(divisions, list) and len(divisions) > 1 else {}
    flat = country == {} and isinstance(record.get("country"), str)
    return Place(
        asn=_number(record.get("autonomous_system_number", record.get("asn"))),
        country=_text(record.get("country_code", record.get("country"))) if flat else _text(country.get("iso_code")),
        continent=(
            _text(record.get("continent_code", record.get("continent")))
            if flat
            else _text(_mapping(record.get("continent")).get("code"))
        ),
        city=_text(record.get("city")) if isinstance(record.get("city"), str) else _name(record.get("city")),
        region=_text(record.get("region")) if flat else _name(first),
        region_code=_text(first.get("iso_code")),
        postal_code=_text(_mapping(record.get("postal")).get("code", record.get("postal_code"))),
        metro_code=_text(location.get("metro_code")),
        latitude=_text(location.get("latitude", record.get("lat", record.get("latitude")))),
        longitude=_text(location.get("longitude", record.get("lng", record.get("longitude")))),
        timezone=_text(location.get("time_zone", record.get("timezone"))),
        subdivision_1=_text(first.get("iso_code")),
        subdivision_2=_text(second.get("iso_code")),
        is_eu=country["is_in_european_union"] is True if "is_in_european_union" in country else None,
    )


def _merged(one: Place | None, other: Place) -> Place:
    if one is None:
        return other
    missing = {name: theirs for name, theirs in other._asdict().items() if getattr(one, name) is None}
    return one._replace(**missing)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: Any) -> str | None:
    return _text(_mapping(_mapping(value).get("names")).get("en"))


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value[:200] or None
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number(value: Any) -> int | None:
    if isinstance(value, str):
        value = value.removeprefix("AS")
        return int(value) if value.isascii() and value.isdigit() and len(value) <= 10 else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _signature(path: Path) -> _Signature:
    try:
        found = os.stat(path)
    except OSError:
        return _GONE
    return found.st_ino, found.st_size, found.st_mtime_ns


def _open(path: Path) -> _Open:
    # Who has no database does not pay for a reader.
    import maxminddb

    signature = _signature(path)
    try:
        return _Open(path, signature, maxminddb.open_database(path, maxminddb.MODE_MMAP_EXT))
    except (OSError, ValueError, RuntimeError) as error:
        raise PlacesError(f"{path} is no MMDB database: {error}") from None


def _read(path: Path | None) -> _Listed:
    if path is None:
        return _Listed(None, _GONE, NetworkSet())
    signature = _signature(path)
    try:
        with path.open("rb") as opened:
            text = opened.read(MAX_LIST).decode("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesError(f"{path} cannot be read: {error}") from None
    return _Listed(path, signature, NetworkSet(read_networks(text.splitlines(), str(path))))


def read_networks(lines: Iterable[str], name: str) -> Iterable[Any]:
    """The networks of a text with one a line, and remarks behind `#`. Raises `PlacesError` for any other line."""
    for number, line in enumerate(lines, 1):
        said = line.partition("#")[0].strip()
        if not said:
            continue
        network = parse_network(said)
        if network is None:
            raise PlacesError(f"{name}: line {number} is no network: write 192.0.2.0/24, or one address")
        yield network
