"""A worker's link to its supervisor: what arrives, and what happens when nobody reads."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from botproxy.link import Downlink, Modes, Uplink
from botproxy.link.frames import Kind, encode
from botproxy.model import Event
from botproxy.store import StoreAway
from botproxy.store.memory import MemoryStore
from botproxy.telemetry import to_logpush

EVENT = Event(
    ray="0123456789abcdef", start=1.5, end=2.5, zone="shop", mode="observe", client_ip="203.0.113.7",
    client_port=51234, client_country="DE", client_asn=64496, client_ssl_protocol="TLSv1.3", client_ssl_cipher="",
    ja3="", ja4="", method="GET", scheme="https", host="www.example.com", path="/shoes", query="size=*",
    protocol="HTTP/1.1", user_agent="curl/8.5", referer="", x_requested_with="", request_bytes=200, status=200,
    response_bytes=900, body_bytes=700, content_type="text/html", first_byte_ms=4, origin="127.0.0.1:3000",
    origin_status=200, origin_ms=3, score=1, score_source="Heuristics", score_group="automated",
    detection_ids=(1, 2), detection_tags=("curl",), reasons=("says so",), bot_tags=(), verified_bot_category="",
    js_detection="missing", static_resource=False, session="", actions=("jschallenge",), rule_ids=("r1",),
    sources=("firewallCustom",), action="unknown", would="jschallenge", rule_id="r1", rule_description="automated",
    originator_ray="", scoring_failed=False, unevaluated=0, ending="finished", detail="",
)  # fmt: skip


class Above:
    """The supervisor's side: remembers what came up."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.rows: list[list[Any]] = []
        self.batches = 0
        self.snapshots: list[dict[str, Any]] = []
        self.rates: list[bytes] = []
        self.gone = 0

    def on_state(self, word: str) -> None:
        self.states.append(word)

    def on_events(self, payload: bytes) -> None:
        self.batches += 1
        self.rows += orjson.loads(payload)

    def on_counters(self, snapshot: dict[str, Any]) -> None:
        self.snapshots.append(snapshot)

    def on_rates(self, payload: bytes) -> None:
        self.rates.append(payload)

    def on_gone(self) -> None:
        self.gone += 1


class Below:
    """The worker's side: remembers what came down."""

    def __init__(self) -> None:
        self.drains: list[bool] = []
        self.lost = 0

    def on_drain(self, ending: bool) -> None:
        self.drains.append(ending)

    def on_lost(self) -> None:
        self.lost += 1


class Pair:
    """A link; its supervisor reads only once `listen` was called."""

    def __init__(self, ask_seconds: float = 2.0, max_queue: int = 8 * 1024**2, buffer: int | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.above, self.below = Above(), Below()
        self.theirs, ours = socket.socketpair()
        self.modes = Modes()
        self.store = MemoryStore()
        self.down: Downlink | None = None
        self.up = Uplink(ours, self.modes, self.loop, ask_seconds, max_queue)
        if buffer is not None:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer)
        self.up.start(self.below)

    def listen(self) -> Downlink:
        """Let the supervisor's end come to life."""
        self.down = Downlink(self.theirs, self.above, self.store, self.loop)
        return self.down

    def close(self) -> None:
        """Close both ends."""
        self.up.close()
        if self.down is not None:
            self.down.close()
        self.theirs.close()


async def eventually(what: Any, seconds: float = 5.0) -> None:
    """Let the loop run until `what()` is true."""
    async with asyncio.timeout(seconds):
        while not what():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


@pytest.fixture
async def pair() -> AsyncIterator[Any]:
    """Makes links; all are closed after the test."""
    made: list[Pair] = []

    def make(**options: Any) -> Pair:
        made.append(Pair(**options))
        return made[-1]

    yield make
    for each in made:
        each.close()


async def test_an_event_arrives_soon_and_whole(pair: Any) -> None:
    link = pair()
    link.listen()
    link.up.record(EVENT)
    await eventually(lambda: link.above.rows)
    assert link.above.rows == [[list(x) if isinstance(x, tuple) else x for x in EVENT]]
    assert to_logpush(link.above.rows[0])["RayID"] == EVENT.ray


async def test_a_full_batch_does_not_wait_for_the_tick(pair: Any) -> None:
    link = pair()
    for _ in range(255):
        link.up.record(EVENT)
    link.theirs.setblocking(False)
    with pytest.raises(BlockingIOError):
        link.theirs.recv(1, socket.MSG_PEEK)
    link.up.record(EVENT)
    assert link.theirs.recv(1, socket.MSG_PEEK)
    link.listen()
    await eventually(lambda: link.above.rows)
    assert (len(link.above.rows), link.above.batches) == (256, 1)


async def test_large_rows_do_not_take_everybody_elses_with_them(pair: Any) -> None:
    """A visitor chooses how large a row is: a frame too large for the queue would be dropped whole."""
    link = pair()
    link.listen()
    large = EVENT._replace(user_agent="\ufffd" * 60_000)
    for number in range(100):
        link.up.record(EVENT._replace(client_port=number))
        link.up.record(large)
        await asyncio.sleep(0)
    await eventually(lambda: len(link.above.rows) == 200)
    assert not [key for key in link.up.counters.counts if key[0] == "events_dropped"]


async def test_text_that_no_encoder_takes_costs_the_event_and_nothing_else(pair: Any) -> None:
    link = pair()
    link.listen()
    link.up.record(EVENT._replace(path="/\ud800"))
    link.up.record(EVENT._replace(request_bytes=2**80))
    link.up.record(EVENT)
    await eventually(lambda: link.above.rows)
    assert len(link.above.rows) == 1
    assert link.up.counters.counts["events_dropped", "unencodable"] == 2


async def test_a_supervisor_that_does_not_read_costs_the_oldest_events_and_no_time(pair: Any) -> None:
    link = pair(max_queue=500_000, buffer=64 * 1024)
    slowest = 0.0
    for number in range(5000):
        began = time.perf_counter()
        link.up.record(EVENT._replace(client_port=number))
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 1.0
    dropped = link.up.counters.counts["events_dropped", "link"]
    assert 0 < dropped < 5000
    link.listen()
    await eventually(lambda: len(link.above.rows) == 5000 - dropped)
    ports = [row[6] for row in link.above.rows]
    # What the kernel held and the frame that was half sent come first and whole, then the newest ones.
    assert ports == sorted(ports)
    assert ports[0] == 0
    assert ports[-1] == 4999


async def test_what_was_dropped_is_told_once_somebody_reads(pair: Any) -> None:
    link = pair(max_queue=100_000, buffer=64 * 1024)
    for _ in range(3000):
        link.up.record(EVENT)
    dropped = link.up.counters.counts["events_dropped", "link"]
    link.listen()
    await eventually(lambda: link.above.snapshots)
    assert [["events_dropped", "link"], dropped] in link.above.snapshots[-1]["counts"]


async def test_counters_are_absolute_and_only_the_newest_wait(pair: Any) -> None:
    link = pair()
    link.up.sample = lambda: link.up.counters.gauges.update(connections=7)
    for number in range(3):
        link.up.counters.add(("requests", str(number)))
        link.up._take_snapshot()
    link.listen()
    link.up._send()
    await eventually(lambda: link.above.snapshots)
    assert len(link.above.snapshots) == 1
    assert link.above.snapshots[0]["counts"] == [[["requests", str(number)], 1] for number in range(3)]
    assert link.above.snapshots[0]["gauges"] == {"connections": 7}


async def test_modes_and_the_wish_to_drain_come_down(pair: Any) -> None:
    link = pair()
    down = link.listen()
    assert not link.modes.enforcing("shop")
    down.modes("observe", {"shop": "enforce"})
    await link.up.first_modes
    assert link.modes.enforcing("shop")
    assert link.modes.of("unknown zone") == "observe"
    down.drain(ending=False)
    down.drain(ending=True)
    await eventually(lambda: link.below.drains == [False, True])


async def test_attacks_come_down_and_an_older_supervisor_that_knows_none_changes_nothing(pair: Any) -> None:
    link = pair()
    link.modes.configured(["blog"])
    down = link.listen()
    down._send(encode(Kind.MODES, b'["enforce",{}]'))
    await link.up.first_modes
    assert (link.modes.under_attack("blog"), link.modes.under_attack("shop")) == (True, False)
    down.modes("enforce", {}, ["shop"])
    await eventually(lambda: link.modes.under_attack("shop"))
    assert not link.modes.under_attack("blog")
    down.modes("enforce", {}, [])
    await eventually(lambda: not link.modes.under_attack("shop"))


async def test_a_question_that_nobody_answers_fails_in_time(pair: Any) -> None:
    link = pair(ask_seconds=0.1)
    began = time.monotonic()
    with pytest.raises(StoreAway):
        await link.up.burn(b"nonce", 60.0)
    assert time.monotonic() - began < 1.0
    # Nobody waits any more, so a supervisor that comes back does not spend the key.
    link.listen()
    await asyncio.sleep(0.05)
    assert link.store.burn_now(b"nonce", 60.0)


async def test_a_store_that_is_away_is_as_if_the_supervisor_were(pair: Any) -> None:
    class Away:
        async def burn(self, key: bytes, ttl: float) -> bool:
            raise StoreAway("no answer from the store")

    link = pair(ask_seconds=0.1)
    link.store = Away()
    link.listen()
    with pytest.raises(StoreAway):
        await link.up.burn(b"nonce", 60.0)


async def test_questions_that_wait_are_bounded(pair: Any) -> None:
    link = pair(ask_seconds=0.3)
    said = await asyncio.gather(*(link.up.burn(b"%d" % n, 60.0) for n in range(2000)), return_exceptions=True)
    assert all(isinstance(each, StoreAway) for each in said)
    assert any("1024" in str(each) for each in said)


async def test_a_supervisor_that_is_gone_is_noticed_and_questions_end(pair: Any) -> None:
    link = pair(ask_seconds=30.0)
    asked = asyncio.ensure_future(link.up.burn(b"nonce", 60.0))
    await asyncio.sleep(0)
    link.theirs.close()
    with pytest.raises(StoreAway):
        await asked
    await eventually(lambda: link.below.lost == 1)
    with pytest.raises(StoreAway):
        await link.up.burn(b"nonce", 60.0)
    for _ in range(600):
        link.up.record(EVENT)
    assert link.up.counters.counts["events_dropped", "link"] == 512


async def test_what_was_recorded_before_the_end_is_read_before_the_end(pair: Any) -> None:
    link = pair(buffer=16 * 1024)
    for _ in range(1000):
        link.up.record(EVENT)
    link.listen()
    await link.up.finish(5.0)
    await eventually(lambda: link.above.gone)
    assert len(link.above.rows) == 1000
    assert link.above.gone == 1


async def test_ending_does_not_wait_for_a_supervisor_that_does_not_read(pair: Any) -> None:
    link = pair(buffer=16 * 1024)
    for _ in range(1000):
        link.up.record(EVENT)
    began = time.monotonic()
    await link.up.finish(0.2)
    assert time.monotonic() - began < 1.0


async def test_a_worker_that_does_not_speak_the_language_is_cut_off(pair: Any) -> None:
    link = pair()
    link.listen()
    link.up._link.send(b"\xff" * 100)
    await eventually(lambda: link.above.gone)
    assert not link.down.open


async def test_a_worker_that_never_reads_is_cut_off_before_it_costs_memory(pair: Any) -> None:
    link = pair()
    link.loop.remove_reader(link.up._link.fileno())
    down = link.listen()
    zones = {f"zone-{number}": "enforce" for number in range(5000)}
    for _ in range(100):
        down.modes("observe", zones)
        if not down.open:
            break
    assert not down.open
    assert link.above.gone == 1
