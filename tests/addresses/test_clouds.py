"""In whose published ranges an address is."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.addresses import Clouds, Places, PlacesError, load_clouds, shipped_clouds
from botproxy.addresses.clouds import NO_CLOUD, Range
from botproxy.model import Address, Client, Cloud


def packed(whole: object) -> bytes:
    return gzip.compress(msgpack.packb(whole), mtime=0)


def published(path: Path, *ranges: tuple[str, int], providers: tuple[str, ...] = ("aws", "cloudflare")) -> Path:
    entries = [{"cidr": cidr, "p": number, "r": "eu", "s": "EC2"} for cidr, number in ranges]
    whole = {"version": "2026-10-26", "build_time": 1, "providers": providers, "ranges": entries}
    path.write_bytes(packed(whole))
    return path


def test_the_ranges_of_the_package_say_what_its_file_says() -> None:
    path = shipped_clouds()
    assert path is not None
    clouds = load_clouds(path)
    assert clouds.size < 1024**2
    whole = msgpack.unpackb(gzip.decompress(path.read_bytes()))
    assert len(whole["ranges"]) > 100_000
    drawn = random.Random(7).sample(whole["ranges"], 300)
    for entry in drawn:
        network = ip_network(entry["cidr"])
        for address in (network.network_address, network.broadcast_address):
            assert clouds.find(address).provider in whole["providers"]
    assert clouds.find(ip_address("52.94.76.1")) == Cloud("aws", True)
    assert clouds.find(ip_address("2606:4700::1")) == Cloud("cloudflare", False)
    for nobody in ("127.0.0.1", "192.0.2.1", "0.0.0.0", "255.255.255.255", "::", "::1", "2001:db8::1"):
        assert clouds.find(ip_address(nobody)) is NO_CLOUD


def test_of_networks_within_each_other_the_narrowest_counts(tmp_path: Path) -> None:
    clouds = load_clouds(
        published(
            tmp_path / "file",
            *(("10.0.0.0/8", 0), ("10.1.0.0/16", 1), ("10.1.255.0/24", 0), ("10.255.255.255/32", 1)),
            *(("255.255.255.0/24", 0), ("2001:db8::/32", 0), ("2001:db8:0:1::/64", 1), ("2001:db8:0:1::80/121", 0)),
        )
    )
    expected = {
        "9.255.255.255": "", "10.0.0.0": "aws", "10.1.0.0": "cloudflare", "10.1.254.255": "cloudflare",
        "10.1.255.0": "aws", "10.2.0.0": "aws", "10.255.255.254": "aws", "10.255.255.255": "cloudflare",
        "11.0.0.0": "", "255.255.254.255": "", "255.255.255.255": "aws", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff": "",
        "2001:db8::": "aws", "2001:db8:0:1::7f": "cloudflare", "2001:db8:0:1::80": "aws", "2001:db8:0:1::ff": "aws",
        "2001:db8:0:1::100": "cloudflare", "2001:db8:0:2::": "aws", "2001:db9::": "",
    }  # fmt: skip
    assert {text: clouds.find(ip_address(text)).provider for text in expected} == expected


@st.composite
def networks(draw: st.DrawFn) -> tuple[str, str]:
    wide = draw(st.booleans())
    bits = 128 if wide else 32
    length = draw(st.integers(0, bits))
    number = draw(st.sampled_from([0, 1, 1 << 64, (1 << 64) - 1, 3 << 63, (1 << bits) - 1, 0x0A000000, 0x0A000100]))
    number = (number & ((1 << bits) - 1)) >> (bits - length) << (bits - length)
    address: Address = IPv6Address(number) if wide else IPv4Address(number)
    return f"{address}/{length}", draw(st.sampled_from(["one", "two", "three"]))


@given(st.lists(networks(), max_size=12))
def test_any_networks_are_found_as_a_plain_reading_finds_them(named: list[tuple[str, str]]) -> None:
    known = {ip_network(text): name for text, name in named}

    def ranges() -> Iterator[Range]:
        for network, name in known.items():
            first, last = int(network.network_address), int(network.broadcast_address)
            yield Range(network.version, first, last, Cloud(name, True))

    clouds = Clouds(ranges())
    edges: set[Address] = set()
    for network in known:
        for end in (network.network_address, network.broadcast_address):
            for number in (int(end) - 1, int(end), int(end) + 1):
                if 0 <= number < 1 << network.max_prefixlen:
                    edges.add(type(end)(number))
    for address in edges:
        holding = [each for each in known if each.version == address.version and address in each]
        narrowest = max(holding, key=lambda each: each.prefixlen, default=None)
        assert clouds.find(address).provider == ("" if narrowest is None else known[narrowest])


def test_lines_of_text_are_another_file_or_one_beside_it(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.write_text("# ours\n192.0.2.0/24\tHetzner  # Falkenstein\n\n198.51.100.7 relay people\n2001:db8::/32 ovh.net\n")
    base = published(tmp_path / "file", ("192.0.2.0/23", 0))
    clouds = load_clouds(base, own)
    assert clouds.find(ip_address("192.0.2.1")) == Cloud("hetzner", True)
    assert clouds.find(ip_address("192.0.3.1")) == Cloud("aws", True)
    assert clouds.find(ip_address("198.51.100.7")) == Cloud("relay", False)
    assert load_clouds(own).find(ip_address("2001:db8::9")) == Cloud("ovh.net", True)
    assert load_clouds(None, own).find(ip_address("192.0.3.1")) == NO_CLOUD


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"192.0.2.0/24\n", "line 1"),
        (b"\n192.0.2.1/24 aws\n", "line 2"),
        (b"192.0.2.0/24 aws cheap\n", "line 1"),
        (b"192.0.2.0/24 a/b\n", "no name of a provider"),
        (b"192.0.2.0/24 " + b"a" * 300, "line 1"),
        (b"\xff\xfe\n", "no file of cloud ranges"),
        (b"\x1f\x8b rubbish", "cannot be read"),
        (packed(None), "no file of cloud ranges"),
        (packed({"ranges": [{"cidr": "10.0.0.0/8", "p": 0}]}), "no file of cloud ranges"),
        (packed({"providers": ["A B"]}), "no name of a provider"),
        (packed({"providers": ["a"], "ranges": [{"cidr": "10.0.0.1/8", "p": 0}]}), "10.0.0.1/8"),
        (packed({"providers": ["a"], "ranges": [{"cidr": "10.0.0.1/99", "p": 0}]}), "no file"),
        (packed({"providers": ["a"], "ranges": 5}), "no file of cloud ranges"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "clouds"
    path.write_bytes(content)
    with pytest.raises(PlacesError) as caught:
        load_clouds(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    with pytest.raises(PlacesError, match="cannot be read"):
        load_clouds(tmp_path / "absent")


def test_a_client_is_told_with_its_place(tmp_path: Path) -> None:
    base = published(tmp_path / "file", ("192.0.2.0/24", 0))
    client = Client(ip_address("192.0.2.1"), "192.0.2.1", 1, "192.0.2.1")
    places = Places([], clouds=load_clouds(base))
    for _ in range(2):
        placed = places.placed(client)
        assert (placed.place, placed.cloud) == (None, Cloud("aws", True))
    assert Places([]).placed(client).cloud is None
