"""Browsers driven by tools of automation, with plans as programs have."""

from __future__ import annotations

import json
import random
import shlex
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lab import plans
from lab.browsers import screen
from lab.population import Population
from lab.programs import HERE

if TYPE_CHECKING:
    from lab.traffic import Laboratory

BEHAVIOURS = ("fetch", "crawl", "slow", "stuffing", "scalping", "spam", "probing")
STEPS = 16
"""Of a plan that a browser is given; each loads a page with its parts."""

TOOLS = (
    *((tool, how, "python") for tool in ("playwright", "playwright-stealth", "patchright", "selenium", "undetected")
      for how in ("headless", "headed")),
    *((tool, how, "node") for tool in ("puppeteer", "puppeteer-stealth") for how in ("headless", "headed")),
)  # fmt: skip


def one(lab: Laboratory, population: Population, tool: tuple[str, str, str], behaviour: str, seed: int) -> None:
    """One visit."""
    from lab.traffic import run, settle

    name, how, language = tool
    rng = random.Random(seed)
    visit = lab.register.begin(False, name, f"{name}-{how}", behaviour)
    steps = list(plans.BEHAVIOURS[behaviour](rng))
    steps = steps[:STEPS] if behaviour != "scalping" else steps[-STEPS:]
    visit.pauses = [(step.pause, step.method, step.path) for step in steps]
    base, port = lab.base("https", visit)
    agent = ""
    if rng.random() < 0.35:
        # A name that fits: the same engine on another system.
        agent = next(each for each in population.people(400) if each.engine == "chromium").headers["user-agent"]
        visit.disguise = "agent"
    elif name != "playwright" and name != "selenium" and name != "puppeteer":
        visit.disguise = "stealth"
    plan = {
        "base": base, "agent": agent, "new": rng.random() < 0.6, "clicks": rng.random() < 0.4,
        "steps": [step.plan({}) for step in steps],
    }  # fmt: skip
    with tempfile.TemporaryDirectory(dir=lab.out, ignore_cleanup_errors=True) as folder, screen() as display:
        file = Path(folder) / "plan"
        file.write_text(json.dumps(plan))
        script = "driven.py" if language == "python" else "driven.cjs"
        program = lab.python if language == "python" else "node"
        visit.version = lab.version("chromium --version", {})
        environment = {**lab.environment(Path(folder)), "DISPLAY": display["DISPLAY"]}
        line = f"{program} {HERE}/clients/{script} {name}:{how} {file}"
        run(shlex.split(line), environment, Path(folder), 90)
        settle(visit)
    lab.relay.close(port)


def record(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """Every tool with every behaviour, so many times."""
    from lab.traffic import guarded

    population = Population(lab.rng.randrange(1 << 30))
    work = [
        (tool, behaviour, lab.rng.randrange(1 << 40))
        for _ in range(rounds)
        for tool in TOOLS
        if not only or tool[0] in only
        for behaviour in BEHAVIOURS
    ]
    lab.rng.shuffle(work)
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda each: guarded(lambda: one(lab, population, *each), each[0][0]), work)
        for number, _ in enumerate(done, 1):
            if number % 20 == 0:
                print(f"  {number} of {len(work)}", flush=True)
