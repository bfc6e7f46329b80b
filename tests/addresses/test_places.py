"""Where an address is: databases of several makers, lists, and files that are replaced while they are used."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from botproxy.addresses.places import REMEMBERED, Places, PlacesError, read_record
from botproxy.model import Place

CITY = {
    "continent": {"code": "EU"},
    "country": {"iso_code": "DE", "is_in_european_union": True},
    "city": {"names": {"en": "Berlin", "de": "Berlin"}},
    "subdivisions": [{"iso_code": "BE", "names": {"en": "Land Berlin"}}, {"iso_code": "X"}],
    "postal": {"code": "10115"},
    "location": {"latitude": 52.5, "longitude": 13.4, "time_zone": "Europe/Berlin", "metro_code": 5},
}
ASN = {"autonomous_system_number": 64500, "autonomous_system_organization": "Example"}


def write(path: Path, records: dict[str, Any], version: int = 6) -> Path:
    writer = MMDBWriter(ip_version=version, ipv4_compatible=version == 6, database_type="Test", float_type="f64")
    for network, record in records.items():
        writer.insert_network(IPSet([network]), record)
    draft = path.with_suffix(".new")
    writer.to_db_file(str(draft))
    os.replace(draft, path)
    return path


def located(places: Places, text: str) -> Place | None:
    return places.locate(ip_address(text))


def test_several_databases_say_it_together(tmp_path: Path) -> None:
    places = Places(
        [
            write(tmp_path / "asn.mmdb", {"192.0.2.0/24": ASN, "2001:db8::/32": ASN}),
            write(tmp_path / "city.mmdb", {"192.0.2.0/25": CITY}),
        ]
    )
    assert located(places, "192.0.2.1") == Place(
        64500, "DE", "EU", "Berlin", "Land Berlin", "BE", "10115", "5", "52.5", "13.4", "Europe/Berlin", "BE", "X", True
    )
    assert located(places, "192.0.2.200") == Place(64500)
    assert located(places, "2001:db8::1") == Place(64500)
    assert located(places, "198.51.100.1") is None
    assert located(places, "192.0.2.1") is located(places, "192.0.2.1")


def test_a_database_of_ipv4_says_nothing_of_ipv6(tmp_path: Path) -> None:
    places = Places([write(tmp_path / "four.mmdb", {"192.0.2.0/24": ASN}, version=4)])
    assert located(places, "2001:db8::1") is None
    assert located(places, "192.0.2.1") == Place(64500)


@pytest.mark.parametrize(
    ("record", "place"),
    [
        ({"asn": "AS64500", "country": "NL", "continent": "EU"}, Place(64500, "NL", "EU")),
        ({"asn": "AS64500", "country": "Netherlands", "country_code": "NL"}, Place(64500, "NL")),
        ({"city": "Utrecht", "region": "Utrecht", "country": "NL", "lat": "52.1", "lng": "5.1", "postal_code": "3511"},
         Place(None, "NL", None, "Utrecht", "Utrecht", None, "3511", None, "52.1", "5.1")),
        ({"registered_country": {"iso_code": "NL"}}, Place(None, "NL")),
        ({"country": 5, "asn": "nonsense", "city": [], "subdivisions": "x", "location": None}, Place()),
        ({}, Place()),
    ],
)  # fmt: skip
def test_records_of_other_makers_and_of_none_are_read(record: dict[str, Any], place: Place) -> None:
    assert read_record(record) == place


def test_lists_of_tor_and_of_companies(tmp_path: Path) -> None:
    (tmp_path / "tor").write_text("# exits\n192.0.2.9\n198.51.100.0/24 # more\n\n")
    (tmp_path / "companies").write_text("2001:db8:1::/48\n")
    database = write(tmp_path / "city.mmdb", {"192.0.2.0/24": CITY})
    places = Places([database], tmp_path / "tor", tmp_path / "companies")
    exit_ = located(places, "192.0.2.9")
    assert exit_ is not None
    assert (exit_.country, exit_.city) == ("T1", "Berlin")
    assert located(places, "198.51.100.7") == Place(country="T1")
    assert places.corporate(ip_address("2001:db8:1::5"))
    assert not places.corporate(ip_address("2001:db8:2::5"))


def test_a_file_that_was_replaced_is_taken_up(tmp_path: Path) -> None:
    path = write(tmp_path / "asn.mmdb", {"192.0.2.0/24": ASN})
    tor = tmp_path / "tor"
    tor.write_text("198.51.100.1\n")
    places = Places([path], tor)
    assert located(places, "192.0.2.1") == Place(64500)
    assert places.refresh() == []
    write(path, {"192.0.2.0/24": {"autonomous_system_number": 64501}})
    fresh = tmp_path / "fresh"
    fresh.write_text("198.51.100.2\n198.51.100.3\n")
    os.replace(fresh, tor)
    assert places.refresh() == []
    assert located(places, "192.0.2.1") == Place(64501)
    assert located(places, "198.51.100.1") is None
    assert located(places, "198.51.100.2") == Place(country="T1")


def test_a_broken_replacement_is_said_once_and_the_one_before_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path / "asn.mmdb", {"192.0.2.0/24": ASN})
    places = Places([path])
    broken = tmp_path / "broken"
    broken.write_bytes(b"nonsense" * 1000)
    os.replace(broken, path)
    (said,) = places.refresh()
    assert "asn.mmdb is no MMDB database" in said
    assert places.refresh() == []
    assert located(places, "192.0.2.1") == Place(64500)
    path.unlink()
    assert places.refresh() == []
    assert located(places, "192.0.2.1") == Place(64500)


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_what_is_no_database_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.mmdb").write_bytes(content)
    with pytest.raises(PlacesError, match=r"a\.mmdb is no MMDB database"):
        Places([tmp_path / "a.mmdb"])
    with pytest.raises(PlacesError, match=r"b\.mmdb is no MMDB database"):
        Places([tmp_path / "b.mmdb"])


@pytest.mark.parametrize("content", ["nonsense\n", "192.0.2.1/24\n", "\xff\n"])
def test_a_list_with_anything_else_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tor").write_text(content, "latin-1")
    with pytest.raises(PlacesError):
        Places([], tmp_path / "tor")


def test_what_is_remembered_stays_bounded(tmp_path: Path) -> None:
    places = Places([write(tmp_path / "asn.mmdb", {"10.0.0.0/8": ASN})])
    first = int(ip_address("10.0.0.0"))
    for number in range(3 * REMEMBERED):
        assert places.locate(ip_address(first + number)) == Place(64500)
    assert len(places._young) + len(places._old) <= 2 * REMEMBERED
