"""Make labelled traffic: `python -m lab.traffic record programs tools people automation`, then `… assemble`.

`record` runs real clients through the real proxy, over TLS with HTTP/1.1 and HTTP/2, and leaves one part for each group
under `--parts`. `generate` adds people's header sets drawn from a public model of devices. `assemble` puts all parts
into one data set with its card. The format is that of `botproxy.training.dataset`.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botproxy.training import dataset
from botproxy.training.dataset import Labelled
from lab import plans, shop
from lab.beside import TARGETS, beside
from lab.fleet import RUNNERS, TOOLS, Runner, Tool
from lab.population import HTTP2, Person, Population
from lab.programs import HERE
from lab.recorder import OTHER, SITE
from lab.relay import Relay
from lab.tap import Tap
from lab.visits import Register, Visit, neutral, timed

GROUPS = ("programs", "tools", "people", "automation")
HOURS = 8.0
"""Over which the visits of a data set are spread."""

ENGINES = {"chromium": 0.5, "firefox": 0.2, "safari": 0.3}
"""Shares of generated people."""


@dataclass
class Laboratory:
    """What a group needs to run its clients."""

    register: Register
    relay: Relay
    tap: Tap
    python: str
    node_modules: str
    rng: random.Random
    out: Path
    versions: dict[str, str]
    behaviours: tuple[str, ...] = ()
    """Of programs that run plans; none is all of them."""

    def base(self, scheme: str, visit: Visit) -> tuple[str, int]:
        """Address of the site for this visit, and the port in it."""
        port = self.relay.door(scheme, visit.addresses)
        return f"{scheme}://{SITE}:{port}", port

    def environment(self, home: Path) -> dict[str, str]:
        """For programs: no configuration of this machine's user reaches them."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        bundle = str(self.tap.authority_file)
        return {
            **kept, "HOME": str(home), "NODE_PATH": self.node_modules, "PYTHONWARNINGS": "ignore",
            "SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "NODE_NO_WARNINGS": "1",
        }  # fmt: skip

    def version(self, line: str, places: dict[str, Any]) -> str:
        """What a program says of its version; "" when it says nothing."""
        if not line:
            return ""
        if line not in self.versions:
            said = subprocess.run(
                line.format(**places), shell=True, check=False, capture_output=True, text=True, timeout=60
            )
            found = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
            self.versions[line] = found[0] if found else ""
        return self.versions[line]


def settle(visit: Visit, seconds: float = 3.0) -> None:
    """Wait until nothing more comes of a visit."""
    end = time.monotonic() + seconds
    known = -1
    while time.monotonic() < end and known != len(visit.seen):
        known = len(visit.seen)
        time.sleep(0.15)


def run(argv: list[str], environment: dict[str, str], folder: Path, seconds: float = 60) -> None:
    """Run a program to its end, or for so long."""
    with subprocess.Popen(
        argv, env=environment, cwd=folder, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("LAB_VERBOSE") else subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def lines(plan: dict[str, Any]) -> str:
    """A plan as lines, for clients without JSON."""
    text = [plan["base"]]
    for step in plan["steps"]:
        form, kind = "", ""
        if step["form"]:
            form, kind = urllib.parse.urlencode(step["form"]), "application/x-www-form-urlencoded"
        elif step["json"]:
            form, kind = json.dumps(step["json"]), "application/json"
        flat = [part for name, value in step["headers"].items() for part in (name, value)]
        text.append("\t".join([step["method"], step["path"], form, kind, *flat]))
    return "\n".join(text) + "\n"


def disguised(person: Person, population: Population, how: str) -> dict[str, str]:
    """Headers that a bot copies from a browser."""
    if how == "agent":
        return {"User-Agent": person.headers["user-agent"]}
    if how != "headers":
        return {}
    (page,) = population.visit(person, SITE, "/", 0)
    return {name: value for name, value in page.headers if name.lower() not in ("host", "connection", "cookie", "te")}


def one_plan(lab: Laboratory, population: Population, runner: Runner, behaviour: str, seed: int) -> None:
    """One visit of a client that runs a plan."""
    rng = random.Random(seed)
    scheme = rng.choice(runner.schemes)
    how = rng.choice(runner.disguises)
    (person,) = population.people(1)
    spread = behaviour == "distributed"
    visit = lab.register.begin(False, runner.family, runner.client, behaviour, rng.randint(4, 12) if spread else 1)
    visit.disguise = how
    steps = list(plans.BEHAVIOURS[behaviour](rng))
    visit.pauses = [(step.pause, step.method, step.path) for step in steps]
    base, port = lab.base(scheme, visit)
    headers = disguised(person, population, how)
    fresh = spread or (rng.random() < 0.2 and behaviour != "slow")
    plan = {"base": base, "fresh": fresh, "h1": rng.random() < 0.5, "steps": [step.plan(headers) for step in steps]}
    with tempfile.TemporaryDirectory(dir=lab.out, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "plan").write_text(json.dumps(plan))
        (folder / "lines").write_text(lines(plan))
        places = {
            "python": lab.python, "here": HERE, "plan": folder / "plan", "lines": folder / "lines", "node": "node",
            "out": folder,
        }  # fmt: skip
        visit.version = lab.version(runner.version, places)
        run(shlex.split(runner.line.format(**places)), lab.environment(folder), folder)
        settle(visit)
    lab.relay.close(port)


def programs(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """Every runner with every behaviour, so many times."""
    population = Population(lab.rng.randrange(1 << 30))
    if shutil.which("go"):
        built = lab.out / "go-plan"
        subprocess.run(["go", "build", "-o", str(built), str(HERE / "clients" / "plan.go")], check=False, cwd=lab.out)
    work: list[tuple[Runner, str, int]] = []
    for runner in RUNNERS:
        program = shlex.split(runner.line)[0]
        if (only and runner.family not in only) or (not program.startswith("{") and shutil.which(program) is None):
            continue
        # Families with many clients of one library share what the others have alone.
        many = sum(1 for each in RUNNERS if each.family == runner.family)
        names = list(lab.behaviours or plans.BEHAVIOURS)
        for number in range(rounds):
            chosen = names if many < 3 else lab.rng.sample(names, min(3, len(names)))
            work += [(runner, behaviour, lab.rng.randrange(1 << 40) + number) for behaviour in chosen]
    lab.rng.shuffle(work)
    with ThreadPoolExecutor(3) as pool:
        done = pool.map(lambda each: guarded(lambda: one_plan(lab, population, *each), each[0].client), work)
        for number, _ in enumerate(done, 1):
            if number % 50 == 0:
                print(f"  {number} of {len(work)}", flush=True)


def guarded(act: Callable[[], None], name: str) -> None:
    """One client that fails must not spoil the others' recording."""
    try:
        act()
    except Exception as problem:
        print(f"  {name}: {problem!r}", flush=True)


def one_tool(lab: Laboratory, tool: Tool, line: str) -> None:
    """One visit of a tool."""
    visit = lab.register.begin(tool.human, tool.family, tool.family, tool.behaviour)
    base, port = lab.base("https", visit)
    with tempfile.TemporaryDirectory(dir=lab.out, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        words = ("admin", "login", "backup.zip", ".env", "shop", "api", "config.php", "test", "old", "wp-admin")
        (folder / "words").write_text("".join(word + "\n" for word in words))
        places = {
            "python": lab.python, "bin": Path(lab.python).parent, "here": HERE, "base": base, "port": port,
            "words": folder / "words", "out": folder,
        }  # fmt: skip
        visit.version = lab.version(tool.version, places)
        run(shlex.split(line.format(**places)), lab.environment(folder), folder, 25)
        settle(visit)
    del visit.seen[400:]
    lab.relay.close(port)


def tools(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """Every tool, so many times."""
    for tool in TOOLS:
        if only and tool.family not in only:
            continue
        for _ in range(rounds):
            for line in tool.lines:
                program = shlex.split(line)[0]
                if not program.startswith("{") and shutil.which(program) is None:
                    print(f"  {tool.family}: {program} is not installed")
                    continue
                guarded(lambda tool=tool, line=line: one_tool(lab, tool, line), tool.family)  # type: ignore[misc]


def people(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """Browsers on a screen, driven as people drive them."""
    from lab.people import record

    record(lab, rounds, only)


def automation(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """Browsers driven by tools of automation."""
    from lab.automation import record

    record(lab, rounds, only)


def besides(number: int, seed: int) -> Iterator[list[Labelled]]:
    """Visits of drawn people to a page that opens WebSockets, starts workers, asks other hosts, and the like."""
    rng = random.Random(seed)
    population = Population(seed)
    wanted = {engine: round(number * share) for engine, share in ENGINES.items()}
    for person in chosen(population, wanted):
        session = f"b{rng.getrandbits(40):010x}"
        address = f"198.{rng.choice((18, 19))}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        path = rng.choice(shop.PAGES)
        (page,) = population.visit(person, SITE, path, 0)
        asked = [("page", path, page)]
        for kind, one in beside(person, SITE, f"https://{SITE}{path}", rng.randint(4, 10), rng):
            asked.append((kind, TARGETS[kind], one))
        clock = 0.0
        found: list[Labelled] = []
        for step, (kind, target, one) in enumerate(asked):
            http2 = person.http2 and kind != "websocket"
            found.append(
                Labelled(
                    human=True, family=f"generated-{person.browser.partition('/')[0]}",
                    client=f"{person.browser.partition('.')[0]}-{person.system}-{person.device}",
                    version=person.browser.partition("/")[2], behaviour="browsing", disguise="none",
                    generated=True, session=session, step=step, time=round(clock, 4), address=address,
                    method=one.method, target=target, http="HTTP/2" if http2 else "HTTP/1.1", secure=True, host=SITE,
                    headers=one.headers, body=40 if one.method == "POST" else 0,
                    kind="page" if kind == "page" else "other", status=101 if kind == "websocket" else 200,
                    content_type="text/html" if kind == "page" else "", ja3="",
                    ja4=person.ja4 if http2 else person.ja4.replace("h2_", "h1_", 1), tls="TLSv1.3",
                    cipher="TLS_AES_128_GCM_SHA256", http2=HTTP2[person.engine] if http2 else "",
                    since=round(clock, 3) if any(name.lower() == "cookie" for name, _ in one.headers) else None,
                )
            )  # fmt: skip
            clock += rng.uniform(0.02, 3.0)
        yield found


def generated(number: int, seed: int) -> Iterator[list[Labelled]]:
    """Visits of drawn people: header sets of real devices, times and paths made up. Marked as generated."""
    rng = random.Random(seed)
    population = Population(seed)
    wanted = {engine: round(number * share) for engine, share in ENGINES.items()}
    for count, person in enumerate(chosen(population, wanted)):
        clock, before, step = 0.0, "", 0
        session = f"g{rng.getrandbits(40):010x}"
        address = f"198.{rng.choice((18, 19))}.{rng.randrange(256)}.{rng.randrange(1, 255)}"
        found: list[Labelled] = []
        for page in range(1 + min(int(rng.expovariate(0.25)), 14)):
            path = rng.choice(shop.PAGES)
            parts = rng.randint(3, 9) if page == 0 else rng.randint(0, 4)
            for asked in population.visit(person, SITE, path, parts, before):
                target = path
                if asked.destination != "document":
                    name = rng.choice(shop.PRODUCTS)
                    target = {
                        "image": f"/img/{name}.png", "style": "/assets/site.css", "script": "/assets/site.js",
                        "font": "/assets/text.woff2", "empty": f"/api/stock/{name}",
                    }[asked.destination]  # fmt: skip
                    clock += rng.uniform(0.002, 0.09)
                headers = with_cookie(asked.headers, person.engine) if step else asked.headers
                api = asked.destination == "empty"
                found.append(
                    Labelled(
                        human=True, family=f"generated-{person.browser.partition('/')[0]}",
                        client=f"{person.browser.partition('.')[0]}-{person.system}-{person.device}",
                        version=person.browser.partition("/")[2], behaviour="browsing", disguise="none",
                        generated=True, session=session, step=step, time=round(clock, 4), address=address,
                        method=asked.method, target=target, http="HTTP/2" if person.http2 else "HTTP/1.1", secure=True,
                        host=SITE, headers=headers, body=0 if asked.method == "GET" else 40,
                        kind="page" if asked.destination == "document" else "api" if api else "part", status=200,
                        content_type="text/html" if asked.destination == "document" else "", ja3="",
                        ja4=person.ja4 if person.http2 else person.ja4.replace("h2_", "h1_", 1), tls="TLSv1.3",
                        cipher="TLS_AES_128_GCM_SHA256", http2=HTTP2[person.engine] if person.http2 else "",
                        since=round(clock, 3) if step else None,
                    )
                )  # fmt: skip
                step += 1
            before = f"https://{SITE}{path}"
            clock += min(rng.lognormvariate(2.5, 1.0), 600)
        yield found
        if count % 200 == 199:
            print(f"  {count + 1} people", flush=True)


def chosen(population: Population, wanted: dict[str, int]) -> Iterator[Person]:
    """People until there are as many of each engine as are wanted: the model of devices knows few with Firefox."""
    left = dict(wanted)
    for person in population.people(1_000_000):
        if left[person.engine]:
            left[person.engine] -= 1
            yield person
        elif not any(left.values()):
            return


def with_cookie(headers: tuple[tuple[str, str], ...], engine: str) -> tuple[tuple[str, str], ...]:
    """The same headers with our session cookie where this browser puts it."""
    before = {"chromium": ("priority",), "firefox": ("upgrade-insecure-requests", "sec-fetch-dest"), "safari": ()}
    names = [name.lower() for name, _ in headers]
    place = next((names.index(name) for name in before[engine] if name in names), len(headers))
    spelled = "Cookie" if headers[0][0][0].isupper() else "cookie"
    return (*headers[:place], (spelled, "__cf_bm=0"), *headers[place:])


def record(asked: argparse.Namespace) -> None:
    """Record groups into parts."""
    if SITE not in Path("/etc/hosts").read_text():
        raise SystemExit(f"add to /etc/hosts: 127.0.0.1 {SITE} {OTHER}")
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    port = asyncio.run_coroutine_threadsafe(shop.serve(shop.application()), loop).result(10)
    acts = {"programs": programs, "tools": tools, "people": people, "automation": automation}
    for group in asked.groups or GROUPS:
        rng = random.Random(f"{asked.seed} {group}")
        register = Register(random.Random(rng.getrandbits(64)))
        with (
            tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
            Tap(f"http://127.0.0.1:{port}", register.seen) as tap,
            Relay(tap.ports) as relay,
        ):
            laboratory = Laboratory(
                register, relay, tap, asked.python, asked.node_modules, rng, Path(folder), {},
                tuple(asked.behaviours.split(",")) if asked.behaviours else (),
            )  # fmt: skip
            acts[group](laboratory, asked.rounds, set(asked.only.split(",")) if asked.only else set())
        sessions = [list(visit.labelled()) for visit in register.visits]
        name = group + (f"-{asked.name}" if asked.name else "")
        save(asked.parts / f"{name}.jsonl.xz", [session for session in sessions if session])


def save(path: Path, sessions: list[list[Labelled]]) -> None:
    """Write a part: sessions one after the other, each from time 0."""
    number = dataset.write(path, {"part": path.name}, (one for session in sessions for one in session))
    print(f"{path.name}: {len(sessions)} visits, {number} requests, {path.stat().st_size} bytes")


def sessions_of(path: Path) -> list[list[Labelled]]:
    """The sessions of a part."""
    found: dict[str, list[Labelled]] = {}
    for one in dataset.read(path):
        headers = tuple((name, neutral(value)) for name, value in one.headers)
        made = one._replace(headers=headers, target=neutral(one.target), host=neutral(one.host))
        found.setdefault(one.session, []).append(made)
    return list(found.values())


def distinct(part: str, sessions: list[list[Labelled]]) -> Iterator[list[Labelled]]:
    """The sessions under names and addresses of this part: two that were recorded with one seed have the same."""
    for session in sessions:
        name = f"v{hashlib.sha256(f'{part} {session[0].session}'.encode()).hexdigest()[:10]}"
        yield [one._replace(session=name, address=moved(f"{part} {one.address}")) for one in session]


def moved(text: str) -> str:
    """An address of the laboratory's network that follows from a text."""
    low, middle, high = hashlib.sha256(text.encode()).digest()[:3]
    return f"198.{18 + low % 2}.{middle}.{1 + high % 254}"


def assemble(asked: argparse.Namespace) -> None:
    """Put all parts into one data set with its card."""
    sessions = [session for path in sorted(asked.parts.glob("*.jsonl.xz")) for session in sessions_of(path)]
    requests = timed(sessions, random.Random(asked.seed), HOURS)
    card = described(requests)
    dataset.write(asked.out, card, requests)
    print(f"{asked.out}: {len(sessions)} visits, {len(requests)} requests, {asked.out.stat().st_size} bytes")
    print(json.dumps({name: value for name, value in card.items() if name != "versions"}, indent=1))


def described(requests: list[Labelled]) -> dict[str, Any]:
    """The card of a data set with these requests."""
    firsts = [one for one in requests if one.step == 0]
    counts: dict[str, dict[str, int]] = {}
    for kind, key in (("humans", True), ("bots", False)):
        counted = collections.Counter(one.family for one in firsts if one.human is key)
        counts[kind] = dict(sorted(counted.items()))
    return {
        **json.loads((HERE / "card.json").read_text()),
        "requests": len(requests),
        "visits": len(firsts),
        "requests_of_humans": sum(one.human for one in requests),
        "requests_generated": sum(one.generated for one in requests),
        "visits_by_family": counts,
        "visits_by_behaviour": dict(sorted(collections.Counter(one.behaviour for one in firsts).items())),
        "visits_by_disguise": dict(sorted(collections.Counter(one.disguise for one in firsts).items())),
        "versions": dict(sorted({one.client: one.version for one in firsts if not one.generated}.items())),
    }


def widen(asked: argparse.Namespace) -> None:
    """Add to a data set that is there: all parts, and drawn people who ask for what is beside pages."""
    before = list(dataset.read(asked.out))
    parts = asked.parts.glob("*.jsonl.xz") if asked.parts.is_dir() else ()
    sessions = [session for path in sorted(parts) for session in distinct(path.name, sessions_of(path))]
    sessions += list(besides(asked.people, asked.seed))
    added = timed(sessions, random.Random(asked.seed), HOURS)
    requests = sorted([*before, *added], key=lambda one: (one.time, one.session, one.step))
    # Crowds of `lab.crowds` are those that were recorded at first: a mixture that is known, and figures that stay.
    later = {*dataset.card(asked.out).get("later", ()), *(one.session for one in added if not one.generated)}
    dataset.write(asked.out, {**described(requests), "later": sorted(later)}, requests)
    print(f"{asked.out}: {len(sessions)} visits and {len(added)} requests more, {asked.out.stat().st_size} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("act", choices=("record", "generate", "assemble", "widen"))
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--parts", type=Path, default=Path("parts"), help="where parts are kept")
    parser.add_argument("--out", type=Path, default=Path("lab/data/traffic.jsonl.xz"), help="the data set")
    parser.add_argument("--name", default="", help="of this part, beside its group")
    parser.add_argument("--only", default="", help="families, or clients of people, separated by commas")
    parser.add_argument("--behaviours", default="", help="of programs, separated by commas; all when not given")
    parser.add_argument("--rounds", type=int, default=1, help="how often each client does each thing")
    parser.add_argument("--people", type=int, default=600, help="how many are generated")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--python", default=sys.executable, help="interpreter that has the Python clients")
    parser.add_argument("--node-modules", default="", help="where the packages of Node are")
    asked = parser.parse_args()
    if asked.act == "record":
        record(asked)
    elif asked.act == "generate":
        save(asked.parts / "generated.jsonl.xz", list(generated(asked.people, asked.seed)))
    elif asked.act == "widen":
        widen(asked)
    else:
        assemble(asked)


if __name__ == "__main__":
    main()
