"""The supervisor with real processes: who serves, what survives, who ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import Load, Proxy, alive, until

Start = Callable[..., Proxy]


def test_every_worker_serves_and_they_share_one_nursery(proxy: Start) -> None:
    running = proxy(workers=2)
    said = [running.get() for _ in range(40)]
    assert len({each["pid"] for each in said}) == 2
    assert len({each["parent"] for each in said}) == 1


def test_a_worker_that_is_killed_under_load_is_replaced_while_the_others_go_on(proxy: Start) -> None:
    running = proxy(workers=2)
    with Load(running) as load:
        until(lambda: load.total > 200)
        victim = next(iter(load.answers))
        os.kill(victim, signal.SIGKILL)
        running.wait('msg="worker serves"', times=3)
        before = load.total
        until(lambda: load.total > before + 200)
        newcomers = set(load.answers) - {victim}
    assert len(newcomers) == 2
    # Each client had at most one connection to the dead worker.
    assert len(load.errors) <= 6
    assert "signal 9" in running.wait("worker died")
    assert running.metric("botproxy_worker_restarts_total") == 1


def test_what_a_dead_worker_counted_is_not_lost(proxy: Start) -> None:
    running = proxy(workers=1)
    for _ in range(5):
        running.get()
    until(lambda: running.metric("botproxy_requests_total") == 5)
    os.kill(running.get()["pid"], signal.SIGKILL)
    running.wait('msg="worker serves"', times=2)
    running.get()
    assert until(lambda: running.metric("botproxy_requests_total") >= 6)


def test_a_reload_under_load_refuses_no_connection_and_loses_no_request(proxy: Start) -> None:
    running = proxy(workers=2, body="one")
    with Load(running) as load:
        until(lambda: load.total > 200)
        running.write(body="two")
        running.signal(signal.SIGHUP)
        running.wait("generation ended")
        until(lambda: "two" in load.bodies)
    assert load.errors == []
    assert load.bodies == {"one", "two"}
    assert running.get()["body"] == "two"


def test_a_bad_configuration_changes_nothing_and_every_problem_is_said(proxy: Start) -> None:
    running = proxy(body="one")
    before = running.get()["parent"]
    running.write(body="two", problems=["config:1: first thing", "config:2: second thing"])
    status, said = running.ask("POST", "/api/reload", {})
    assert status == 409
    assert said["problems"] == ["config:1: first thing", "config:2: second thing"]
    running.wait("first thing")
    running.wait("second thing")
    assert running.get()["body"] == "one"
    assert running.get()["parent"] == before
    until(lambda: running.ask("GET", "/healthz")[1]["generations"] == 1)


def test_a_configuration_whose_workers_cannot_start_changes_nothing(proxy: Start) -> None:
    running = proxy(body="one")
    running.write(body="two", cannot_compose=True)
    status, said = running.ask("POST", "/api/reload", {})
    assert status == 409
    assert "before it served" in said["problems"][0]
    assert running.get()["body"] == "one"


def test_an_address_that_is_taken_changes_nothing(proxy: Start) -> None:
    running = proxy()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        running.write(listeners=["127.0.0.1:0", address], body="two")
        status, said = running.ask("POST", "/api/reload", {})
    assert status == 409
    assert said["problems"] == [f"cannot listen on {address}: Address already in use"]
    assert running.get()["body"] == ""


def test_a_reload_binds_new_listeners_and_closes_removed_ones(proxy: Start) -> None:
    running = proxy()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    old = running.port
    running.write(listeners=[f"127.0.0.1:{port}"])
    assert running.ask("POST", "/api/reload", {})[0] == 200
    running.port = port
    assert running.get()["pid"]
    until(lambda: running.said("generation ended"))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", old))


def test_a_third_generation_waits_until_the_first_has_drained(proxy: Start) -> None:
    running = proxy(workers=1, body="one")
    slow = running.begin_slow(5)
    running.write(body="two")
    assert running.ask("POST", "/api/reload", {})[1]["generation"] == 2
    running.write(body="three")
    running.signal(signal.SIGHUP)
    running.wait("waiting for a generation")
    assert running.ask("GET", "/healthz")[1]["generations"] == 2
    assert running.get()["body"] == "two"
    answer = slow.getresponse()
    said = json.loads(answer.read())
    slow.close()
    assert said["body"] == "one"
    assert answer.headers["Connection"] == "close"
    # Replaced, but not ending: the place of this worker is taken, and readiness must not say otherwise.
    assert not said["draining"]
    running.wait("msg=serving generation=3")
    until(lambda: running.get()["body"] == "three")


def test_sigterm_finishes_what_runs_and_refuses_what_is_new(proxy: Start) -> None:
    running = proxy(workers=1)
    slow = running.begin_slow(1)
    running.signal(signal.SIGTERM)

    def refused() -> bool:
        try:
            socket.create_connection(("127.0.0.1", running.port)).close()
        except ConnectionRefusedError:
            return True
        return False

    until(refused)
    answer = slow.getresponse()
    assert json.loads(answer.read())["draining"]
    assert answer.headers["Connection"] == "close"
    assert running.stop() == 0


def test_ctrl_c_ends_it_like_sigterm(proxy: Start) -> None:
    running = proxy(workers=1)
    running.signal(signal.SIGINT)
    assert running.process.wait(10) == 0
    assert not running.said("Traceback")


def test_a_service_manager_may_tell_the_whole_group_to_end(proxy: Start) -> None:
    running = proxy(workers=2, prefix=["setsid"])
    slow = running.begin_slow(0.5)
    os.killpg(running.process.pid, signal.SIGTERM)
    assert json.loads(slow.getresponse().read())["pid"]
    slow.close()
    assert running.process.wait(10) == 0
    assert not running.said("nursery died|Traceback")


def test_a_hangup_is_a_reload_unless_the_terminal_is_gone(proxy: Start) -> None:
    terminal, ours = os.openpty()
    running = proxy(workers=1, stdin=ours)
    os.close(ours)
    running.signal(signal.SIGHUP)
    running.wait("msg=serving generation=2")
    os.close(terminal)
    running.signal(signal.SIGHUP)
    assert running.process.wait(10) == 0


def test_what_does_not_end_within_the_time_to_drain_is_cut(proxy: Start) -> None:
    running = proxy(workers=1, drain=0.3)
    slow = running.begin_slow(30)
    begun = time.monotonic()
    assert running.stop() == 0
    assert time.monotonic() - begun < 4
    slow.close()


def test_a_second_sigterm_ends_at_once(proxy: Start) -> None:
    running = proxy(workers=1, drain=60)
    slow = running.begin_slow(60)
    running.signal(signal.SIGTERM)
    running.wait("msg=ending")
    running.signal(signal.SIGTERM)
    assert running.process.wait(5) == 0
    slow.close()


def test_workers_end_when_the_supervisor_is_killed_but_finish_what_they_serve(proxy: Start) -> None:
    running = proxy(workers=2)
    said = [running.get() for _ in range(20)]
    processes = {each["pid"] for each in said} | {said[0]["parent"]}
    slow = running.begin_slow(0.7)
    running.process.kill()
    assert json.loads(slow.getresponse().read())["draining"]
    slow.close()
    until(lambda: not any(map(alive, processes)))


def test_a_stopped_supervisor_does_not_stop_the_traffic(proxy: Start) -> None:
    """While it is stopped requests are answered as before; afterwards it goes on as if nothing had been."""
    running = proxy(workers=2)
    running.signal(signal.SIGSTOP)
    with Load(running, clients=2) as load:
        until(lambda: load.total > 500)
        assert running.get("/burn?key=stuck")["burnt"] == "away"
    running.signal(signal.SIGCONT)
    assert load.errors == []
    assert load.longest < 3.0
    assert until(lambda: running.ask("GET", "/healthz")[1]["status"] == "ok")
    until(lambda: running.metric("botproxy_events_written_total") >= 500)


@pytest.mark.prove
def test_a_supervisor_that_is_stopped_for_thirty_seconds_costs_events_and_no_request(proxy: Start) -> None:
    running = proxy(workers=2)
    running.signal(signal.SIGSTOP)
    begun = time.monotonic()
    with Load(running, clients=4) as load:
        while time.monotonic() - begun < 30:
            running.get("/flood?events=2000")
        assert load.errors == []
        assert load.longest < 1.0
        running.signal(signal.SIGCONT)
        until(lambda: running.metric("botproxy_events_dropped_total") > 0)
    total = running.metric("botproxy_requests_total")
    until(lambda: running.metric("botproxy_requests_total") == running.metric("botproxy_requests_total") >= total)
    until(
        lambda: (
            running.metric("botproxy_events_dropped_total") + running.metric("botproxy_events_written_total")
            == running.metric("botproxy_requests_total")
        )
    )


@pytest.mark.prove
def test_a_worker_that_is_stuck_is_replaced(proxy: Start) -> None:
    running = proxy(workers=2)
    stuck = running.get()["pid"]
    os.kill(stuck, signal.SIGSTOP)
    running.wait("worker is stuck", seconds=45.0)
    running.wait('msg="worker serves"', times=3)
    assert not alive(stuck)
    assert running.ask("GET", "/healthz")[1]["status"] == "ok"


def test_a_worker_that_keeps_dying_is_started_ever_later(proxy: Start) -> None:
    running = proxy(workers=1)
    times = []
    for number in range(1, 5):
        process = until(lambda: running.get()["pid"])
        os.kill(process, signal.SIGKILL)
        died = time.monotonic()
        running.wait('msg="worker serves"', times=number + 1)
        times.append(time.monotonic() - died)
    assert times[3] > 0.4


def test_a_worker_holds_its_sockets_and_link_and_nothing_of_its_parents(proxy: Start) -> None:
    running = proxy(workers=1, listeners=["127.0.0.1:0", "127.0.0.2:0"])
    said = running.get()

    def held(process: int) -> list[str]:
        entries = Path(f"/proc/{process}/fd").iterdir()
        return [os.readlink(each) for each in entries if int(each.name) > 2 and each.is_symlink()]

    files = [name for name in held(said["pid"]) if name.startswith(("/", "socket")) and not name.startswith("/dev/")]
    # Two listeners, the link, this request's connection, and a pair with which the loop wakes itself.
    assert len(files) <= 6
    assert not [name for name in files if name.startswith("/")]
    # The nursery keeps its end of the control socket and nothing else, so that a listener can be closed for real.
    nursery = [name for name in held(said["parent"]) if name.startswith("socket")]
    assert len(nursery) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="a process namespace needs root")
def test_as_process_one_it_reaps_orphans_and_ends_on_sigterm(tmp_path: Path) -> None:
    """In a container nobody else would."""
    running = Proxy(tmp_path, prefix=["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"], workers=1)
    try:
        running.started()
        outside = running.process.pid
        supervisor = int(Path(f"/proc/{outside}/task/{outside}/children").read_text().split()[0])
        enter = ["nsenter", "--target", str(supervisor), "--pid", "--mount"]
        # The shell ends before its child, whose parent is then process 1.
        subprocess.run([*enter, "sh", "-c", "(sleep 0.2; exit 3) &"], check=True)

        def orphans() -> set[str]:
            listed = subprocess.run([*enter, "ps", "-eo", "comm="], check=True, capture_output=True, text=True)
            return {"sh", "sleep"}.intersection(listed.stdout.split())  # one that is not reaped is listed as well

        until(lambda: not orphans())
        assert running.get()["pid"]
        os.kill(supervisor, signal.SIGTERM)
        running.wait("msg=ended")
    finally:
        running.stop()


def test_when_the_nursery_dies_the_same_configuration_is_started_anew(proxy: Start) -> None:
    running = proxy(workers=2, body="one")
    nursery = running.get()["parent"]
    running.write(problems=["the file on disk is bad by now"])
    with Load(running) as load:
        os.kill(nursery, signal.SIGKILL)
        running.wait("msg=serving generation=2")
        running.wait("generation ended")
    assert load.errors == []
    assert load.bodies == {"one"}
    assert running.get()["parent"] != nursery


def test_a_switched_mode_holds_at_once_after_a_reload_and_after_a_restart(proxy: Start) -> None:
    running = proxy(workers=2, mode="observe")
    assert running.get()["mode"] == "observe"
    status, said = running.ask("PUT", "/api/mode", {"mode": "enforce"})
    assert (status, said["mode"], said["persisted"]) == (200, "enforce", True)
    until(lambda: {running.get()["mode"] for _ in range(10)} == {"enforce"})
    assert running.ask("POST", "/api/reload", {})[0] == 200
    assert running.get()["mode"] == "enforce"
    assert running.stop() == 0
    again = proxy(workers=2, mode="observe")
    assert {again.get()["mode"] for _ in range(10)} == {"enforce"}
    again.ask("PUT", "/api/mode", {"mode": None})
    until(lambda: again.get()["mode"] == "observe")


def test_a_nonce_burns_once_across_all_workers(proxy: Start) -> None:
    running = proxy(workers=2)
    said = [running.get("/burn?key=nonce") for _ in range(20)]
    assert len({each["pid"] for each in said}) == 2
    assert [each["burnt"] for each in said] == [True] + [False] * 19


def test_every_event_is_in_the_file_after_the_end(proxy: Start) -> None:
    running = proxy(workers=2)
    for number in range(50):
        running.get(f"/page/{number}")
    assert running.stop() == 0
    lines = (Path(running.source["data"]) / "events.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["ClientRequestPath"] for line in lines) == sorted(f"/page/{n}" for n in range(50))


def test_the_first_configuration_being_bad_is_said_plainly_and_ends_with_one(proxy: Start) -> None:
    problems = ["config.yaml:3:5: zones[0].hosts: what", "config.yaml:9:1: more"]
    refused = proxy(wait=False, problems=problems)
    assert refused.process.wait(15) == 1
    refused.stop()
    assert [line for line in refused.lines if not line.startswith("time=")] == problems


def test_two_supervisors_do_not_share_a_data_directory(proxy: Start) -> None:
    proxy()
    second = proxy(wait=False)
    assert second.process.wait(15) == 1
    second.stop()
    assert second.said("in use by another botproxy")


def test_sigterm_while_loading_ends_without_waiting_for_it(proxy: Start) -> None:
    running = proxy(wait=False, hang=60)
    running.wait("msg=loading")
    begun = time.monotonic()
    running.stop()
    assert time.monotonic() - begun < 5


def test_a_configuration_of_megabytes_is_loaded(proxy: Start) -> None:
    running = proxy(workers=1, body="x", comment="y" * 3_000_000)
    assert running.get()["body"] == "x"


def test_many_workers_start_at_once(proxy: Start) -> None:
    running = proxy(workers=24)
    assert running.ask("GET", "/healthz")[1]["workers"] == {"serving": 24, "wanted": 24}


def test_a_worker_that_is_told_to_end_finishes_what_it_serves_and_is_replaced(proxy: Start) -> None:
    running = proxy(workers=1)
    slow = running.begin_slow(0.5)
    process = int(re.search(r"process=(\d+)", running.wait("worker serves"))[1])
    os.kill(process, signal.SIGTERM)
    said = json.loads(slow.getresponse().read())
    slow.close()
    assert said["pid"] == process
    assert not said["draining"]
    running.wait('msg="worker serves"', times=2)
    assert running.get()["pid"] != process
