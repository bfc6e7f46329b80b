"""Loading fingerprints, and what the engine says of a request."""

from __future__ import annotations

import pytest
from recorded import make_facts

from botproxy.model import Facts, ScoreSource, Tls
from botproxy.scoring import (
    Heuristics,
    HeuristicsError,
    HeuristicsSettings,
    Settings,
    ZoneHeuristics,
    load_heuristics,
    shadow_detections,
)
from botproxy.scoring.heuristics import FAMILY, MOST

CURL = """
- id: 1
  tag: curl
  reason: It says so.
  expression: http.user_agent matches r"^curl/"
"""


def test_a_match_is_score_one_with_its_detection() -> None:
    finding = Heuristics.load({"a": CURL}).assess(make_facts([("User-Agent", "curl/8")]))
    assert finding is not None
    assert (finding.source, finding.score) == (ScoreSource.HEURISTICS, 1)
    assert [(one.id, one.tag, one.reason) for one in finding.detections] == [(FAMILY | 1, "curl", "It says so.")]


def test_no_match_is_no_opinion() -> None:
    assert Heuristics.load({"a": CURL}).assess(make_facts([("User-Agent", "other")])) is None


def test_a_disabled_fingerprint_does_not_match() -> None:
    engine = Heuristics.load({"a": CURL}, disabled=[FAMILY | 1])
    assert engine.assess(make_facts([("User-Agent", "curl/8")])) is None


def test_all_problems_of_all_files_are_told_at_once() -> None:
    texts = {
        "a": CURL,
        "b": CURL,
        "c": "- {id: 2, tag: t, reason: r, expression: 'nonsense eq 1'}\n- {id: 0, tag: t, reason: r, expression: ssl}",
        "d": "{",
        "e": "- {id: 3}",
        "f": "- {id: 4, tag: 1, reason: r, expression: ssl}",
        "g": "word",
    }
    with pytest.raises(HeuristicsError) as caught:
        Heuristics.load(texts, disabled=[99])
    assert len(caught.value.problems) == 8
    assert all(any(problem.startswith(f"{name}") for problem in caught.value.problems) for name in "bcdefg")


def test_detections_are_bounded() -> None:
    many = "\n".join(f"- {{id: {n}, tag: t, reason: r, expression: ssl}}" for n in range(1, 40))
    finding = Heuristics.load({"a": many}).assess(make_facts([]))
    assert finding is not None
    assert len(finding.detections) == MOST


def test_an_operator_may_switch_it_off_and_add_files(tmp_path) -> None:
    assert load_heuristics(Settings(heuristics=HeuristicsSettings(enabled=False))) is None
    own = tmp_path / "own.yaml"
    own.write_text("- {id: 8388608, tag: own, reason: r, expression: 'http.user_agent eq \"mine\"'}")
    engine = load_heuristics(Settings(heuristics=HeuristicsSettings(files=(own,))))
    assert engine is not None
    found = engine.assess(make_facts([("User-Agent", "mine"), ("Accept-Language", "en")]))
    assert found is not None
    assert "own" in {one.tag for one in found.detections}


def test_a_file_that_cannot_be_read_is_said(tmp_path) -> None:
    with pytest.raises(HeuristicsError, match=r"gone\.yaml"):
        load_heuristics(Settings(heuristics=HeuristicsSettings(files=(tmp_path / "gone.yaml",))))


def test_what_is_remembered_of_a_header_block_is_neither_another_engines_nor_another_schemes() -> None:
    facts = make_facts([("User-Agent", "curl/8")], secure=True)
    assert Heuristics.load({"a": CURL}).assess(facts) is not None
    over_https = Heuristics.load({"a": "- {id: 1, tag: t, reason: r, expression: ssl}"})
    assert over_https.assess(facts) is not None
    assert over_https.assess(facts._replace(request=facts.request._replace(secure=False))) is None
    assert over_https.assess(facts) is not None


def test_a_fingerprint_that_reads_more_than_headers_is_asked_every_time() -> None:
    engine = Heuristics.load({"a": "- {id: 1, tag: t, reason: r, expression: 'http.request.method eq \"TRACE\"'}"})
    facts = make_facts([("User-Agent", "x")])
    assert engine.assess(facts) is None
    assert engine.assess(facts._replace(request=facts.request._replace(method=b"TRACE"), memo={})) is not None


@pytest.mark.parametrize("more", ["", ' and http.cookie eq ""', ' and http.referer eq ""'])
def test_what_is_remembered_of_a_header_block_is_not_of_another_client(more: str) -> None:
    chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36"
    text = f"- {{id: 1, tag: t, reason: r, expression: 'botproxy.tls_fit eq \"contradicts\"{more}'}}"
    engine = Heuristics.load({"a": text})
    facts = make_facts([("User-Agent", chrome)], secure=True)

    def over(ja4: str) -> Facts:
        return facts._replace(client=facts.client._replace(tls=Tls("", "", "", ja4)), memo={})

    chromium, curl = over("t13d1517h2_8daaf6152771_cb7bf5808d99"), over("t13d3112h2_e8f1e7e78f70_b26ce05bbdd6")
    for _ in range(2):
        assert engine.assess(chromium) is None
        assert engine.assess(curl) is not None
        assert engine.assess(facts) is None
        assert engine.assess(over("t13d3112h2_aaaaaaaaaaaa_b26ce05bbdd6")) is None


def test_an_operators_clients_are_known(tmp_path) -> None:
    own = tmp_path / "clients.yaml"
    own.write_text("- {client: our-app, ja4: t13d3112h2_aaaaaaaaaaaa_b26ce05bbdd6}")
    engine = load_heuristics(Settings(heuristics=HeuristicsSettings(tls_clients=(own,))))
    assert engine is not None
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0"
    facts = make_facts([("User-Agent", firefox), ("Accept-Language", "en"), ("Sec-Fetch-Site", "none")], secure=True)
    found = engine.assess(
        facts._replace(client=facts.client._replace(tls=Tls("", "", "", "t13d3112h2_aaaaaaaaaaaa_b26ce05bbdd6")))
    )
    assert found is not None
    assert 0x2000000 | 5000 in {one.id for one in found.detections}
    own.write_text("- {client: our-app}")
    with pytest.raises(HeuristicsError, match=r"clients\.yaml, client 1"):
        load_heuristics(Settings(heuristics=HeuristicsSettings(tls_clients=(own,))))


MORE = (
    CURL
    + """
- id: 8388610
  tag: own
  reason: Ours.
  expression: cf.bot_management.ja4 eq "t13d1812h1_85036bcba153_375ca2c5e164"
"""
)


def of_ja4(facts: Facts, ja4: str) -> Facts:
    return facts._replace(client=facts.client._replace(tls=Tls("TLSv1.3", "", "", ja4)))


def test_a_fingerprint_by_the_connection_is_asked_each_time_and_the_others_once_a_block() -> None:
    engine = Heuristics.load({"a": MORE})
    facts = make_facts([("User-Agent", "curl/8")])
    ja4 = "t13d1812h1_85036bcba153_375ca2c5e164"
    assert [found(engine, facts), found(engine, of_ja4(facts, ja4)), found(engine, of_ja4(facts, "t13"))] == [
        [FAMILY | 1],
        [FAMILY | 1, FAMILY | 8388610],
        [FAMILY | 1],
    ]
    other = make_facts([("User-Agent", "other")])
    assert found(engine, of_ja4(other, ja4)) == [FAMILY | 8388610]
    assert engine.assess(other) is None


def found(engine: Heuristics | ZoneHeuristics, facts: Facts) -> list[int]:
    finding = engine.assess(facts)
    return [] if finding is None else [one.id for one in finding.detections]


def test_a_site_leaves_fingerprints_out_or_only_watches_them() -> None:
    base = Heuristics.load({"a": MORE})
    facts = of_ja4(make_facts([("User-Agent", "curl/8")]), "t13d1812h1_85036bcba153_375ca2c5e164")
    without = ZoneHeuristics(base, [FAMILY | 1], [])
    watching = ZoneHeuristics(base, [], [FAMILY | 8388610])
    neither = ZoneHeuristics(base, [FAMILY | 1], [FAMILY | 1, FAMILY | 8388610])
    assert found(without, facts) == [FAMILY | 8388610]
    assert shadow_detections(facts) == ()
    assert found(watching, facts) == [FAMILY | 1]
    assert shadow_detections(facts) == (FAMILY | 8388610,)
    facts = facts._replace(memo={})
    assert neither.assess(facts) is None
    assert shadow_detections(facts) == (FAMILY | 8388610,)
    assert found(base, facts) == [FAMILY | 1, FAMILY | 8388610], "other sites keep all of them"
    with pytest.raises(HeuristicsError, match="no fingerprint 7"):
        ZoneHeuristics(base, [7], [])


def test_what_is_left_out_hides_nothing_behind_the_bound() -> None:
    many = "\n".join(f"- {{id: {n}, tag: t, reason: r, expression: ssl}}" for n in range(1, MOST + 3))
    engine = ZoneHeuristics(Heuristics.load({"a": many}), [FAMILY | n for n in range(1, MOST + 1)], [])
    assert found(engine, make_facts([])) == [FAMILY | MOST + 1, FAMILY | MOST + 2]
