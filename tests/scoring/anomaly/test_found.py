"""What travels from supervisor to workers."""

from __future__ import annotations

import orjson
import pytest

from botproxy.scoring.anomaly import AnomalyError, Found, frames, read
from botproxy.scoring.anomaly.found import KINDS, MOST_A_FRAME
from botproxy.scoring.anomaly.keys import caller_of, network_of

FOUND = Found("shop", "asn", "64500", "scraping", 1e9, 120.0, 10.0, 60, True, False, True, True, False, "")


def test_what_is_written_is_read_the_same_in_frames_of_a_bounded_size() -> None:
    many = [FOUND._replace(key=str(number)) for number in range(MOST_A_FRAME + 1)]
    payloads = list(frames(many))
    assert [len(read(payload)) for payload in payloads] == [MOST_A_FRAME, 1]
    assert [found for payload in payloads for found in read(payload)] == many
    assert max(map(len, payloads)) < 256 * 1024


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"[1]",
        b"[[]]",
        orjson.dumps([list(FOUND)[:-1]]),
        orjson.dumps([[*FOUND[:3], "theft", *FOUND[4:]]]),
        orjson.dumps([["shop", "street", *FOUND[2:]]]),
        orjson.dumps([["shop", "asn", "x" * 300, *FOUND[3:]]]),
        orjson.dumps([[*FOUND[:4], "soon", *FOUND[5:]]]),
        orjson.dumps([list(FOUND)] * (MOST_A_FRAME + 1)),
    ],
)
def test_anything_else_is_refused(payload: bytes) -> None:
    with pytest.raises(AnomalyError):
        read(payload)


def test_detections_have_the_ids_of_the_original_where_it_has_one() -> None:
    ids = {
        (where, kind): FOUND._replace(where=where, kind=kind).detection.id
        for where in ("address", "session", "network", "asn", "ja4", "headers", "zone")
        for kind in KINDS
    }
    assert ids["asn", "scraping"] == 50331648
    assert ids["ja4", "scraping"] == 50331649
    assert {ids[where, "failures"] for where in ("address", "session", "asn", "ja4", "headers")} == {201326592}
    assert ids["zone", "failures"] == 201326598
    assert ids["address", "attempts"] == 201326593
    assert len({ids[where, "scraping"] for where in ("address", "session", "network", "headers", "zone")}) == 5


def test_one_caller_has_a_whole_64_of_ipv6() -> None:
    assert caller_of("192.0.2.7") == "192.0.2.7"
    assert caller_of("2001:db8:1:2::1") == caller_of("2001:db8:1:2:ffff::9")
    assert caller_of("2001:db8:1:2::1") != caller_of("2001:db8:1:3::1")
    assert network_of("192.0.2.7") == network_of("192.0.2.200") != network_of("192.0.3.7")
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:ffff::1") != network_of("2001:db8:2::1")
