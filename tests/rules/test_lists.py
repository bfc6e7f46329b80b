"""Named lists: what items may look like, what they hold, and that rules which name one share it."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from botproxy.model import Facts, Place
from botproxy.rules import ExpressionSet, compile_expression, named_list
from botproxy.rules.list_builder import Compiled, ListBuilder
from botproxy.rules.list_items import ItemError, network, written
from botproxy.rules.lists import ListKind
from botproxy.rules.tables import AddressTable, NumberTable, TextTable


def compiled(kind: ListKind, *items: str) -> Compiled:
    builder = ListBuilder("x", kind)
    for at, item in enumerate(items, 1):
        builder.add(item.encode(), at)
    return builder.finish()


def overlaps(kind: ListKind, *items: str) -> list[tuple[int, str, int, str, bool]]:
    return [tuple(each) for each in compiled(kind, *items).overlaps]  # type: ignore[misc]


# Few bits, so that networks lie within each other, next to each other, and across the border of a /64.
RANGES4 = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda one: (one[0], one[0] + one[1]))
BASES = st.sampled_from([0, (1 << 64) - 6, (1 << 64), (7 << 64) - 3, (1 << 128) - 60])
RANGES6 = st.tuples(BASES, st.integers(0, 12), st.sampled_from([0, 1, 5, 12, 1 << 64, (1 << 65) + 3])).map(
    lambda one: (one[0] + one[1], min(one[0] + one[1] + one[2], (1 << 128) - 1))
)


@given(st.lists(RANGES4, max_size=8), st.lists(RANGES6, max_size=8))
def test_a_table_of_addresses_holds_exactly_what_its_ranges_hold(
    v4: list[tuple[int, int]], v6: list[tuple[int, int]]
) -> None:
    table = AddressTable(sorted(v4), sorted(v6))
    for number in range(60):
        assert (IPv4Address(number) in table) == any(first <= number <= last for first, last in v4)
    bounds = {bound + step for pair in v6 for bound in pair for step in (-1, 0, 1)} | {0, 1 << 64}
    for number in (bound for bound in bounds if 0 <= bound < 1 << 128):
        assert (IPv6Address(number) in table) == any(first <= number <= last for first, last in v6)


@given(st.lists(RANGES4, max_size=8))
def test_a_table_of_numbers_holds_exactly_what_its_ranges_hold(ranges: list[tuple[int, int]]) -> None:
    table = NumberTable(sorted(ranges))
    for number in range(-1, 60):
        assert (number in table) == any(first <= number <= last for first, last in ranges)
    assert all(
        end + 1 < start for (_, end), (start, _) in zip(list(table.ranges()), list(table.ranges())[1:], strict=False)
    )


@given(st.lists(st.binary(max_size=6), unique=True, max_size=30), st.lists(st.binary(max_size=6), max_size=10))
def test_a_table_of_texts_holds_exactly_its_words(words: list[bytes], others: list[bytes]) -> None:
    table = TextTable(words)
    assert sorted(table) == sorted(words)
    assert [word in table for word in (*words, *others)] == [word in words for word in (*words, *others)]
    assert (len(table), table.size) == (len(words), 12 * len(words) + sum(map(len, words)))


def test_neighbours_and_nested_networks_take_no_room_of_their_own() -> None:
    found = named_list("x", "ip", ["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "2001:db8::/33", "2001:db8:8000::/33"])
    assert len(found) == 2
    assert isinstance(found.members, AddressTable)
    assert found.members.size == 8 + 16


@given(st.one_of(st.ip_addresses(), st.integers(0, 2**32 - 1).map(IPv4Address)), st.integers(0, 128))
def test_a_network_is_read_as_python_reads_it(address: IPv4Address | IPv6Address, length: int) -> None:
    assume(getattr(address, "ipv4_mapped", None) is None)
    length = min(length, address.max_prefixlen)
    one = ip_network((address, length), strict=False)
    assert network(str(one).encode()) == (one.version, int(one[0]), int(one[-1]))
    assert network(str(address).encode()) == (address.version, int(address), int(address))
    text = written(one.version, int(one[0]), int(one[-1]))
    assert text == str(one if one.prefixlen < one.max_prefixlen else one[0])


@given(st.one_of(st.ip_addresses(v=6).map(str), st.text("0123456789abcdefABCDEFxg:._ /", max_size=24)))
def test_an_ipv6_address_is_one_exactly_where_python_says_so(text: str) -> None:
    try:
        number = int(IPv6Address(text))
    except ValueError:
        number = -1
    assume(":" in text and "/" not in text and ".." not in text and number >> 32 != 0xFFFF)
    try:
        assert network(text.encode()) == (6, number, number)
    except ItemError:
        assert number == -1


@given(st.binary(max_size=50))
def test_whatever_stands_in_a_list_is_taken_or_refused(item: bytes) -> None:
    for kind in ListKind:
        builder = ListBuilder("x", kind)
        try:
            builder.add(item, 0)
        except ItemError:
            continue
        builder.finish()


@pytest.mark.parametrize(
    ("kind", "item", "said"),
    [
        ("ip", "192.0.2.1/24", "`192.0.2.1/24` has bits set behind its length — 192.0.2.0/24"),
        ("ip", "2001:db8::1/64", "`2001:db8::1/64` has bits set behind its length — 2001:db8::/64"),
        ("ip", "192.0.2.0/33", "`192.0.2.0/33` is no network — a length of 0 to 32"),
        ("ip", "192.0.2.0/", "`192.0.2.0/` is no network — a length of 0 to 32"),
        ("ip", "192.0.2.01", "`192.0.2.01` is neither an address nor a network — such as 192.0.2.7 or 2001:db8::/32"),
        (
            "ip",
            "fe80::1%eth0",
            "`fe80::1%eth0` is neither an address nor a network — such as 192.0.2.7 or 2001:db8::/32",
        ),
        (
            "ip",
            "10.0.0.9..10.0.0.1",
            "`10.0.0.9..10.0.0.1` is no range — two addresses of one kind, lower one first",
        ),
        ("ip", "x\x1b[2J", r"`x\x1b[2J` is neither an address nor a network — such as 192.0.2.7 or 2001:db8::/32"),
        ("asn", "AS64512", "`AS64512` is no AS number — 64512"),
        ("asn", "4294967296", "`4294967296` is no AS number — a whole number such as 64512"),
        ("asn", "-1", "`-1` is no AS number — a whole number such as 64512"),
        (
            "hostname",
            "https://example.com",
            "`https://example.com` is no host name — a name such as www.example.com, or *.example.com for every name "
            "below it, without scheme and path",
        ),
        ("hostname", "bücher.example", "`bücher.example` is no host name — its ASCII form, which begins with xn--"),
        (
            "hostname",
            "www.*.example.com",
            "`www.*.example.com` is no host name — a name such as www.example.com, or *.example.com for every name "
            "below it",
        ),
    ],
)
def test_an_item_that_is_none_is_refused_with_what_would_be_right(kind: str, item: str, said: str) -> None:
    with pytest.raises(ItemError) as caught:
        named_list("x", kind, [item])
    assert str(caught.value) == said


def test_the_original_calls_some_networks_too_wide() -> None:
    found = compiled(ListKind.IP, "10.0.0.0/8", "8.0.0.0/7", "2000::/12", "::/0")
    assert found.wide == (2, 4)


def test_an_address_that_stands_for_an_ipv4_one_is_that_one() -> None:
    found = named_list("x", "ip", ["::ffff:192.0.2.0/120"])
    assert ip_address("192.0.2.9") in found
    assert ip_address("192.0.3.9") not in found


def test_host_names_match_whatever_their_case_and_a_star_stands_for_every_name_below() -> None:
    found = named_list("x", "hostname", ["Example.com", "*.shop.example.com", "api.example.com."])
    for host in (b"example.com", b"EXAMPLE.com", b"a.shop.example.com", b"a.b.Shop.example.com", b"api.example.com"):
        assert host in found, host
    for host in (b"www.example.com", b"shop.example.com", b"xshop.example.com", b"", b".", b"a." * 5000):
        assert host not in found, host


def test_what_a_list_says_twice_is_found() -> None:
    assert overlaps(ListKind.IP, "192.0.2.7", "192.0.2.0/24", "192.0.2.7") == [
        (1, "192.0.2.7", 2, "192.0.2.0/24", False),
        (3, "192.0.2.7", 2, "192.0.2.0/24", False),
    ]
    assert overlaps(ListKind.IP, "10.0.0.1", "10.0.0.1", "10.0.0.2") == [(2, "10.0.0.1", 1, "10.0.0.1", True)]
    assert overlaps(ListKind.IP, "10.0.0.1..10.0.0.8", "10.0.0.5..10.0.0.9") == [
        (2, "10.0.0.5..10.0.0.9", 1, "10.0.0.1..10.0.0.8", False)
    ]
    assert overlaps(ListKind.IP, "10.0.0.0/16", "10.0.0.0/8") == [(1, "10.0.0.0/16", 2, "10.0.0.0/8", False)]
    assert overlaps(ListKind.ASN, "64512", "64512") == [(2, "`64512`", 1, "`64512`", True)]
    assert overlaps(ListKind.HOSTNAME, "a.example.com", "*.example.com", "A.example.com") == [
        (3, "`a.example.com`", 1, "`a.example.com`", True),
        (1, "`a.example.com`", 2, "`*.example.com`", False),
    ]
    assert overlaps(ListKind.IP, "10.0.0.0/9", "10.128.0.0/9", "::/64", "::1:0:0:0:0/64") == []


def test_of_many_overlaps_the_first_few_are_kept_and_all_are_counted() -> None:
    found = compiled(ListKind.STRING, *["same"] * 100)
    assert len(found.overlaps) == 10
    assert found.overlapping == 99


def test_a_list_fits_fields_of_its_type(make_facts: Callable[..., Facts]) -> None:
    lists = {
        "nets": named_list("nets", "ip", ["192.0.2.0/24"]),
        "hosts": named_list("hosts", "hostname", ["*.com"]),
        "asns": named_list("asns", "asn", [64512, "64513"]),
        "cf.agents": named_list("cf.agents", "string", ["Bot/1.0", "Bot/2.0"]),
    }
    facts = make_facts(headers=((b"User-Agent", b"Bot/2.0"),), place=Place(asn=64513))
    for text in ("ip.src in $nets", "http.host in $hosts", "ip.src.asnum in $asns", "http.user_agent in $cf.agents"):
        assert compile_expression(text, lists=lists).matches(facts), text
        assert not compile_expression(f"not {text}", lists=lists).matches(facts), text
    assert compile_expression('any(http.request.headers["user-agent"][*] in $cf.agents)', lists=lists).matches(facts)


def test_many_rules_that_name_lists_are_answered_as_each_for_itself(make_facts: Callable[..., Facts]) -> None:
    lists = {
        "a": named_list("a", "ip", ["192.0.2.0/25"]),
        "b": named_list("b", "ip", ["192.0.2.128/25", "2001:db8::/32"]),
        "words": named_list("words", "string", ["x", "y"]),
        "asns": named_list("asns", "asn", ["1"]),
    }
    texts = [
        "ip.src in $a", "ip.src in $b", "ip.src in $a or ip.src in $b", "ip.src in {192.0.2.1} and ip.src in $a",
        "not ip.src in $a", 'http.user_agent in $words', 'http.user_agent in $words or http.user_agent eq "z"',
        "ip.src.asnum in $asns", "ip.src.asnum in $asns or ip.src.asnum eq 2", "ip.src eq 192.0.2.1",
    ]  # fmt: skip
    expressions = [compile_expression(text, lists=lists) for text in texts]
    together = ExpressionSet(expressions)
    for address in ("192.0.2.1", "192.0.2.200", "2001:db8::9", "198.51.100.1"):
        for agent in (b"x", b"z", b""):
            for asn in (None, 1, 2):
                facts = make_facts(address=address, headers=((b"User-Agent", agent),), place=Place(asn=asn))
                alone = [at for at, each in enumerate(expressions) if each.matches(facts)]
                assert list(together.matching(facts)) == alone


def test_rules_that_name_a_list_hold_the_same_one() -> None:
    lists = {"a": named_list("a", "ip", ["192.0.2.0/25"])}
    one, other = (compile_expression(text, lists=lists) for text in ("ip.src in $a", "ip.src in  $a"))
    assert one.tree == other.tree
    assert hash(one.tree) == hash(other.tree)
