"""Clients that are known by their JA4."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from botproxy.tls import KnownClient, KnownClients, KnownClientsError, shipped_clients

CLIENTS = Path(__file__).resolve().parents[1] / "data" / "client_hellos.jsonl"
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


@pytest.mark.parametrize(
    "vector", [json.loads(line) for line in CLIENTS.read_text().splitlines()], ids=lambda v: v["client"]
)
def test_every_recorded_client_is_known_for_what_it_is(vector: dict[str, str]) -> None:
    found = shipped_clients().find(vector["ja4"])
    assert found is not None
    recorded = vector["client"].partition("-")[0]
    assert found.client == {"wget": "gnutls", "perl": "openssl", "ruby": "openssl"}.get(recorded, recorded)


def test_a_whole_fingerprint_comes_before_its_middle_part() -> None:
    known = KnownClients([KnownClient("wide", ciphers="8daaf6152771"), KnownClient("exact", ja4=JA4)])
    found = [known.find(ja4) for ja4 in (JA4, JA4[:-1] + "0", "", "t13d1516h2_000000000000_e5627efa2ab1")]
    assert [each and each.client for each in found] == ["exact", "wide", None, None]


def test_what_is_read_first_counts() -> None:
    known = KnownClients.read({"a": f"- {{client: one, ja4: {JA4}}}", "b": f"- {{client: two, ja4: {JA4}}}"})
    found = known.find(JA4)
    assert found is not None
    assert found.client == "one"


def test_a_fingerprint_of_http2_is_looked_for_beside_those_of_tls() -> None:
    texts = [
        "1:65536;3:1000;4:6291456|15663105|0|m,a,s,p",
        "|00|0|p,m,a,s",
        "3:100;4:65535|00|3:0:0:201,5:1:2147483647:1|m,p,s,a",
        "1:1|2147483647|0|",
    ]
    known = KnownClients.read({"a": "".join(f'- {{client: one, http2: "{each}"}}\n' for each in texts)})
    for text in texts:
        found = known.find_http2(text)
        assert found is not None
        assert (found.client, found.http2) == ("one", text)
    assert known.find_http2("") is None
    assert known.find("") is None


def test_everything_wrong_is_said() -> None:
    text = """
- {client: Upper, ja4: t13d1516h2_8daaf6152771_e5627efa2ab1}
- {client: none}
- {client: both, ja4: t13d1516h2_8daaf6152771_e5627efa2ab1, ciphers: "8daaf6152771"}
- {client: short, ja4: t13d1516h2}
- {client: number, ciphers: 123456789012}
- {client: odd, ciphers: "8daaf6152771", generic: perhaps}
- {client: two, http2: "1:65536;2:0|15663105|0|m,a,s,p", ciphers: "8daaf6152771"}
- {client: cut, http2: "1:65536;2:0|15663105|0"}
- {client: more, ciphers: "8daaf6152771", colour: red}
- nothing
- {client: right, ciphers: "8daaf6152771"}
"""
    with pytest.raises(KnownClientsError) as caught:
        KnownClients.read({"own.yaml": text, "broken.yaml": "- {", "word.yaml": "word"})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        *(f"own.yaml, client {number}" for number in range(1, 11)),
        "broken.yaml",
        "word.yaml",
    ]
