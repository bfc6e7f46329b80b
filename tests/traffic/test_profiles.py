"""What callers did, against a plain model that remembers everything; and that memory, eviction and telling hold."""

from __future__ import annotations

import math
import os
import random
from collections import defaultdict
from ipaddress import ip_address
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.model import Client, Headers, Profile, Request, Tls
from botproxy.traffic import Profiles, Seen, ToldError
from botproxy.traffic import profiles as figures
from botproxy.traffic.profiles import Keys, is_login
from botproxy.traffic.slots import FAST, NOWHERE, SLOW, Layout, Slots, scale_at

SECRET = b"s" * 32
START = 1_700_000_000.0
JA4 = "t13d1516h2_8daaf6152771_e5627efa2ab1"


def profiles(share: float = 1.0) -> Profiles:
    return Profiles(SECRET, random.Random(1).randbytes, share)


def request(path: str = "/", method: str = "GET", referer: str = "", agent: str = "Mozilla/5.0") -> Request:
    headers = [(b"Host", b"shop.example"), (b"User-Agent", agent.encode()), (b"Accept", b"*/*")]
    if referer:
        headers.append((b"Referer", referer.encode()))
    target = path.encode()
    return Request(
        "0" * 16, START, method.encode(), target, target, None, "HTTP/2", True, b"shop.example", "shop.example",
        Headers(tuple(headers)), 0,
    )  # fmt: skip


def client(address: str = "192.0.2.1", ja4: str = JA4) -> Client:
    return Client(ip_address(address), address, 1, address, Tls("TLSv1.3", "x", ja4=ja4))


def visit(
    kept: Profiles,
    when: float,
    asked: Request | None = None,
    who: Client | None = None,
    session: str = "",
    status: int = 200,
    content_type: bytes = b"text/html",
    **more: Any,
) -> Keys:
    asked = asked or request()
    keys = kept.keys(asked, who or client(), session)
    kept.observe(
        keys,
        asked,
        Seen(
            when,
            status,
            content_type,
            more.pop("static", False),
            more.pop("score", 50),
            **{"challenged": False, **more},
        ),
    )
    return keys


def read(
    kept: Profiles, when: float, who: Client | None = None, session: str = "", asked: Request | None = None
) -> Profile:
    return kept.read(kept.keys(asked or request(), who or client(), session), when)


def test_pages_with_the_script_are_counted_for_address_and_session_but_for_the_first() -> None:
    kept = profiles()
    for at in range(4):
        visit(kept, 1_700_000_000.0 + at, session="a", given=at != 2)
    found = read(kept, 1_700_000_003.0, session="a")
    assert found.session is not None
    assert (round(found.address.scripts), round(found.session.scripts)) == (2, 2)


class Act(NamedTuple):
    """One request of the plain model."""

    when: float
    address: str
    session: str
    path: str
    status: int
    kind: bytes
    post: bool


ACTS = st.lists(
    st.tuples(
        st.floats(0.0, 400.0),  # seconds after the one before
        st.sampled_from(["192.0.2.1", "192.0.2.2", "198.51.100.7", "2001:db8::1", "2001:db8:0:1::9"]),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from(["/", "/login", "/a", "/b", "/img.png", "/api/items"]),
        st.sampled_from([200, 302, 401, 404, 503]),
        st.sampled_from([b"text/html; charset=utf-8", b"image/png", b"application/json"]),
        st.booleans(),
    ),
    max_size=40,
)


def acts(given_: list[Any]) -> list[Act]:
    now, found = START, []
    for gap, *rest in given_:
        now += gap
        found.append(Act(now, *rest))
    return found


def faded(now: float, whens: list[float]) -> float:
    return sum(math.exp(-(now - when) / SLOW) for when in whens)


def play(kept: Profiles, act: Act) -> None:
    visit(
        kept, act.when, request(act.path, "POST" if act.post else "GET"), client(act.address), act.session, act.status,
        act.kind, static=act.path.endswith(".png"),
    )  # fmt: skip


def check(now: float, seen: Any, done: list[Act]) -> None:
    """The figures of a caller against everything that it did."""

    def number(which: Any) -> Any:
        return pytest.approx(faded(now, [act.when for act in done if which(act)]), rel=1e-4, abs=1e-5)

    page = lambda act: act.kind.startswith(b"text/html")  # noqa: E731
    static = lambda act: not page(act) and (act.kind == b"image/png" or act.path.endswith(".png"))  # noqa: E731
    login = lambda act: act.post and act.path == "/login"  # noqa: E731
    assert seen.requests == number(lambda act: True)
    burst = sum(math.exp(-(now - act.when) / FAST) for act in done)
    assert seen.burst == pytest.approx(burst, rel=1e-4, abs=1e-5)
    assert seen.pages == number(page)
    assert seen.subresources == number(static)
    assert seen.client_errors == number(lambda act: 400 <= act.status < 500)
    assert seen.server_errors == number(lambda act: act.status >= 500)
    assert seen.logins == number(login)
    failed = lambda act: login(act) and (act.status in (401, 404) or (act.status == 200 and page(act)))  # noqa: E731
    assert seen.login_failures == number(failed)
    steps = [act.when for act in done if not static(act)]
    gaps = [(min(b - a, 600.0), math.exp(-(now - b) / SLOW)) for a, b in pairwise(steps)]
    weight = sum(each for _, each in gaps)
    if weight > 1e-3:
        mean = sum(gap * each for gap, each in gaps) / weight
        deviation = math.sqrt(sum(each * (gap - mean) ** 2 for gap, each in gaps) / weight)
        assert seen.gap_mean == pytest.approx(mean, rel=1e-3, abs=1e-2)
        assert seen.gap_deviation == pytest.approx(deviation, rel=1e-2, abs=0.5)
    lately = [act for act in done if now // 900 - act.when // 900 <= 1]
    assert seen.paths == pytest.approx(len({act.path for act in lately}), abs=1.5)


@settings(max_examples=60, deadline=None)
@given(ACTS)
def test_figures_are_those_of_a_plain_model_that_forgets_nothing(given_: list[Any]) -> None:
    kept = profiles(0.01)
    by_address: dict[str, list[Act]] = defaultdict(list)
    by_session: dict[str, list[Act]] = defaultdict(list)
    now = START
    for act in acts(given_):
        now = act.when
        play(kept, act)
        by_address[act.address].append(act)
        if act.session:
            by_session[act.session].append(act)
    now += 10.0
    for address, done in by_address.items():
        check(now, read(kept, now, client(address)).address, done)
    for session, done in by_session.items():
        seen = read(kept, now, session=session).session
        assert seen is not None
        check(now, seen, done)
    everything = [act for done in by_address.values() for act in done]
    ja4 = read(kept, now).ja4
    assert ja4 is not None
    assert ja4.requests == pytest.approx(faded(now, [act.when for act in everything]), rel=1e-4, abs=1e-5)
    lately = {act.address for act in everything if now // 900 - act.when // 900 <= 1}
    assert ja4.addresses == pytest.approx(len(lately), abs=0.5)


@settings(max_examples=40, deadline=None)
@given(ACTS, st.integers(1, 7))
def test_what_processes_tell_each_other_adds_up_to_what_one_would_have_counted(given_: list[Any], every: int) -> None:
    one, other, whole = profiles(0.01), profiles(0.01), profiles(0.01)
    sides = (one, other)
    busy = [act._replace(address="192.0.2.1", session="a") for act in acts(given_)]
    now = START
    for number, act in enumerate(busy):
        now = act.when
        play(whole, act)
        play(sides[number % 2], act)
        if number % every == 0:
            for side, opposite in ((one, other), (other, one)):
                while payload := side.take(3, now):
                    opposite.merge(payload, now)
    for side, opposite in ((one, other), (other, one)):
        while payload := side.take(3, now):
            opposite.merge(payload, now)
    wanted = read(whole, now, session="a").address
    for side in sides:
        seen = read(side, now, session="a").address
        # What is not told are the first requests of a caller, until there are three.
        assert wanted.requests - 3.0 <= seen.requests <= wanted.requests * 1.0001 + 1e-4
    if len(busy) > 12 and every == 1:
        assert read(one, now).address.paths == pytest.approx(read(other, now).address.paths, abs=3.0)


def test_what_was_heard_is_not_told_back() -> None:
    one, other = profiles(0.01), profiles(0.01)
    for _ in range(3):
        visit(one, START)
    while payload := one.take(10, START):
        other.merge(payload, START)
    visit(other, START + 1)
    visit(other, START + 1)
    while payload := other.take(10, START + 1):
        one.merge(payload, START + 1)
    assert read(one, START + 1).address.requests == pytest.approx(5.0, rel=0.01)
    assert read(other, START + 1).address.requests == pytest.approx(5.0, rel=0.01)


def test_a_process_that_begins_is_told_everything_and_knows_as_much() -> None:
    old, new = profiles(0.1), profiles(0.1)
    for number in range(400):
        visit(old, START + number * 3.1, request(f"/{number % 50}"), client(f"192.0.2.{number % 20}"), f"s{number % 7}")
    now = START + 400 * 3.1
    for payload in old.all(now, 10):
        new.merge(payload, now)
    for number in range(20):
        wanted = read(old, now, client(f"192.0.2.{number}"), f"s{number % 7}")
        seen = read(new, now, client(f"192.0.2.{number}"), f"s{number % 7}")
        for ours, theirs in zip(wanted.address, seen.address, strict=True):
            assert theirs == pytest.approx(ours, rel=1e-4, abs=0.05)  # a deviation of 0 is a difference
        assert seen.session is not None
        assert seen.network == pytest.approx(wanted.network, rel=1e-4)


def test_a_stranger_is_unknown_and_nothing_of_this_request_counts_yet() -> None:
    kept = profiles()
    assert read(kept, START) == Profile(ja4=kept.read(kept.keys(request(), client(), ""), START).ja4)
    assert read(kept, START).address.idle == -1.0
    assert read(kept, START).session is None
    visit(kept, START)
    seen = read(kept, START + 2)
    assert (seen.address.requests, seen.address.idle) == (pytest.approx(1.0, rel=0.01), 2.0)


def test_numbers_halve_in_five_minutes_and_bursts_in_five_seconds() -> None:
    kept = profiles()
    for _ in range(8):
        visit(kept, START)
    assert read(kept, START + 5).address.burst == pytest.approx(4.0)
    assert read(kept, START + 300).address.requests == pytest.approx(4.0)
    assert read(kept, START + 3000).address.requests == pytest.approx(8 / 1024)


def test_a_clock_is_told_from_a_person() -> None:
    kept = profiles()
    chance = random.Random(3)
    now = START
    for _ in range(30):
        now += 5.0
        visit(kept, now, who=client("192.0.2.1"))
    even = read(kept, now, client("192.0.2.1")).address
    for _ in range(30):
        now += chance.lognormvariate(2.0, 1.0)
        visit(kept, now, who=client("192.0.2.2"))
    person = read(kept, now, client("192.0.2.2")).address
    assert even.gap_mean == pytest.approx(5.0)
    assert even.gap_deviation == pytest.approx(0.0, abs=0.01)
    assert person.gap_deviation > 0.5 * person.gap_mean


def test_pages_that_follow_from_pages_and_pages_out_of_nowhere() -> None:
    kept = profiles()
    visit(kept, START, request("/"))
    visit(kept, START + 1, request("/a", referer="https://shop.example/"))
    visit(kept, START + 2, request("/b", referer="https://shop.example/a?utm=1#top"))
    visit(kept, START + 3, request("/style.css", referer="https://shop.example/b"), content_type=b"text/css")
    seen = read(kept, START + 3).address
    assert seen.followed == pytest.approx(2.0, rel=0.02)
    assert seen.strayed == 0.0
    who = client("192.0.2.9")
    for number, referer in enumerate(("", "", "https://shop.example/never-given", "https://other.example/")):
        visit(kept, START + number, request(f"/{number}", referer=referer), who)
    seen = read(kept, START + 3, who).address
    assert seen.followed == 0.0
    assert seen.strayed == pytest.approx(3.0, rel=0.02)


def test_a_challenge_page_is_no_page_that_was_given() -> None:
    kept = profiles()
    visit(kept, START, request("/"), challenged=True, status=403)
    visit(kept, START + 1, request("/a", referer="https://shop.example/"))
    seen = read(kept, START + 1).address
    assert seen.followed == 0.0
    assert seen.challenged == pytest.approx(1.0, rel=0.01)


@pytest.mark.parametrize(
    ("method", "path", "login"),
    [
        (b"POST", b"/login", True),
        (b"POST", b"/wp-login.php", True),
        (b"POST", b"/users/sign_in", True),
        (b"POST", b"/api/v1/auth/token", True),
        (b"POST", b"/xmlrpc.php", True),
        (b"GET", b"/login", False),
        (b"POST", b"/cart", False),
        (b"POST", b"/" + b"x" * 5000 + b"login", False),
    ],
)
def test_what_looks_like_a_place_to_log_in(method: bytes, path: bytes, login: bool) -> None:
    assert is_login(method, path) is login


def test_failed_logins_count_for_all_who_share_something() -> None:
    kept = profiles()
    for number in range(20):
        visit(kept, START, request("/login", "POST"), client(f"192.0.2.{number}"), status=401, content_type=b"")
    asked = request("/login", "POST")
    seen = read(kept, START, client("192.0.2.200"), asked=asked)
    assert seen.address.logins == 0.0
    assert seen.network.login_failures == pytest.approx(20.0)
    assert seen.ja4 is not None
    assert seen.ja4.login_failures == pytest.approx(20.0)
    assert seen.path.login_failures == pytest.approx(20.0)
    assert seen.path.addresses == pytest.approx(20.0, abs=1.0)


def test_where_nobody_asks_for_crowds_they_are_neither_counted_nor_told() -> None:
    kept = Profiles(SECRET, random.Random(1).randbytes, crowds=False)
    for number in range(5):
        visit(kept, START, request("/login", "POST"), session="s", status=401, content_type=b"")
        visit(kept, START, request(f"/{number}"), client(f"192.0.2.{number + 2}"))
    assert [len(table) for table in (kept.fingerprints, kept.headers, kept.paths)] == [0, 0, 0]
    seen = read(kept, START, session="s")
    assert seen.session is not None
    assert (seen.address.logins, seen.session.logins, seen.network.logins) == pytest.approx((5.0, 5.0, 5.0))
    told = []
    while payload := kept.take(48, START):
        told.append(payload[0])
    assert told == [0, 1, 2, 6], "addresses, sessions, networks, and addresses with a User-Agent"


def test_what_is_noted_counts_for_the_caller_and_its_crowds() -> None:
    kept = profiles()
    keys = visit(kept, START, session="s")
    kept.note(keys, figures.CHALLENGES_SOLVED, START)
    kept.note(keys, figures.REPORTS, START)
    seen = read(kept, START, session="s")
    assert seen.address.challenges_solved == pytest.approx(1.0)
    assert seen.session is not None
    assert seen.session.reports == pytest.approx(1.0)
    assert seen.network.solved == pytest.approx(1.0)


def test_many_behind_one_address_show_in_its_sessions_and_agents() -> None:
    kept = profiles()
    for number in range(30):
        visit(kept, START, request(agent=f"Agent/{number}"), session=f"session {number}")
    seen = read(kept, START).address
    assert seen.peers == pytest.approx(30, rel=0.3)
    assert seen.user_agents == pytest.approx(30, rel=0.3)
    assert seen.hosts == pytest.approx(1.0, abs=0.1)


def test_a_caller_is_told_apart_from_others_at_its_address() -> None:
    kept = profiles()
    program, browser = request(agent="curl/8.5.0"), request(agent="Mozilla/5.0 (X11)")
    for number in range(20):
        visit(kept, START + number, program, status=404)
    seen = read(kept, START + 20, asked=browser)
    assert seen.visitor == Profile().visitor
    assert seen.address.client_errors == pytest.approx(20, rel=0.1)
    assert read(kept, START + 20, asked=program).visitor.client_errors == pytest.approx(20, rel=0.1)


def test_a_session_with_a_past_speaks_for_itself_where_others_have_the_same_user_agent() -> None:
    kept = profiles()
    visit(kept, START)
    for number in range(1, 6):
        visit(kept, START + number, session="mine")
    seen = read(kept, START + 6, session="mine")
    assert seen.visitor.requests == pytest.approx(6, rel=0.02), "with the page from before the session"
    for number in range(20):
        visit(kept, START + 6, session=f"other{number}")
    seen = read(kept, START + 6, session="mine")
    assert seen.visitor is seen.session
    assert read(kept, START + 6, session="new").visitor.peers == pytest.approx(21, abs=8)


@pytest.mark.parametrize("number", [10, 300, 3000, 20_000])
def test_different_addresses_of_a_fingerprint_are_estimated(number: int) -> None:
    kept = profiles(0.05)
    for each in range(number):
        visit(kept, START, who=client(f"10.{each >> 16 & 255}.{each >> 8 & 255}.{each & 255}"))
    ja4 = read(kept, START).ja4
    assert ja4 is not None
    assert ja4.addresses == pytest.approx(number, rel=0.15)


def test_sketches_begin_anew_and_are_kept_for_one_epoch_more() -> None:
    kept = profiles()
    begin = START // 900 * 900
    for number in range(20):
        visit(kept, begin + 1, request(f"/{number}"))
    assert read(kept, begin + 899).address.paths == pytest.approx(20, abs=2)
    assert read(kept, begin + 1799).address.paths == pytest.approx(20, abs=2)
    assert read(kept, begin + 1801).address.paths == 0.0


def test_a_flood_of_new_callers_takes_no_more_room_and_leaves_the_busy_ones() -> None:
    kept = profiles(0.005)  # 327 addresses
    for number in range(50):
        for _ in range(40):
            visit(kept, START, who=client(f"192.0.2.{number}"))
    for number in range(20_000):
        visit(kept, START + number / 1000, who=client(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"))
    assert len(kept.addresses) <= 327
    assert len(kept.addresses.keys) <= 327
    now = START + 20
    busy = sum(read(kept, now, client(f"192.0.2.{number}")).address.requests > 30 for number in range(50))
    assert busy >= 40
    assert kept.addresses.evicted > 0


def test_nobody_can_choose_who_gives_way() -> None:
    """The same flood pushes out others under another secret and another chance."""
    gone = []
    for seed in range(2):
        kept = Profiles(bytes([seed]) * 32, random.Random(seed).randbytes, 0.005)
        for number in range(300):
            visit(kept, START, who=client(f"198.51.{number >> 8}.{number & 255}"))
        for number in range(300):
            visit(kept, START, who=client(f"10.0.{number >> 8}.{number & 255}"))
        gone.append({n for n in range(300) if read(kept, START, client(f"198.51.{n >> 8}.{n & 255}")).address.idle < 0})
    assert gone[0] != gone[1]


def test_a_clock_that_steps_back_breaks_nothing() -> None:
    kept = profiles()
    begin = START // 900 * 900
    visit(kept, begin + 901)
    visit(kept, begin + 899)
    seen = read(kept, begin + 899).address
    assert 0.0 < seen.requests < 3.0
    assert 0.0 < read(kept, begin + 902).address.requests < 3.0


@pytest.mark.parametrize("payload", [b"", b"\x09abc", b"\x00abc", b"\x03" + b"a" * 100])
def test_what_is_no_payload_is_refused(payload: bytes) -> None:
    with pytest.raises(ToldError):
        profiles(0.01).merge(payload, START)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 5), st.binary(max_size=2000))
def test_no_payload_of_a_stranger_spoils_more_than_its_own_key(table: int, noise: bytes) -> None:
    kept = profiles(0.01)
    visit(kept, START)
    before = read(kept, START).address
    teller = kept._tellers[table]
    kept.merge(bytes([table]) + noise[: len(noise) // teller.size * teller.size], START)
    after = read(kept, START).address
    assert after.requests == before.requests
    assert all(math.isfinite(each) for each in after)


def test_a_place_is_taken_whole() -> None:
    slots = Slots(Layout(1, 3, 2, (64, 64)), 1, 1, os.urandom)
    scale = scale_at(START)
    place = slots.admit(7, scale)
    slots.numbers[0] = slots.numbers[1] = slots.numbers[2] = 1e-9
    slots.bits[3] = 255
    slots.recount(place)
    assert slots.counts[0] == 8
    again = slots.admit(9, scale)
    assert again == place
    assert list(slots.numbers) == [0.0, 0.0, 0.0]
    assert not any(slots.bits)
    assert slots.places == {9: 0}
    assert slots.places.get(7, NOWHERE) == NOWHERE
