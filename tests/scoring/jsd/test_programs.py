"""The program of the day: what a browser sees in it counts, and who does not know it has to run it."""

from __future__ import annotations

import gzip
import json
import os
import struct
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from botproxy.challenges.assets import bundle
from botproxy.scoring.jsd.programs import MARK, PERIOD, QUESTIONS, Program, Programs, placed
from botproxy.scoring.jsd.work import Evidence, examine, expected

SEED = bytes(range(16))
ROOT = Path(__file__).parents[3]


def test_what_a_browser_sees_is_right_and_leads_to_one_key() -> None:
    for number in range(40):
        program = Program(b"a secret", number)
        seen = program.answers(SEED)
        run = program.run(SEED, seen)
        assert (run.right, run.wrong, len(run.key)) == (QUESTIONS, 0, 32)
        assert run.key == Program(b"a secret", number).run(SEED, seen).key


def test_another_seed_another_answer_and_another_secret_lead_elsewhere() -> None:
    program = Program(b"a secret", 1)
    seen = program.answers(SEED)
    key = program.run(SEED, seen).key
    assert program.run(bytes(16), seen).key != key
    assert program.run(SEED, [seen[0] + 1, *seen[1:]]).key != key
    assert Program(b"another", 1).run(SEED, seen).key != key
    assert Program(b"a secret", 2).run(SEED, seen).key != key


def test_answers_of_another_seed_are_mostly_wrong() -> None:
    wrong = []
    for number in range(60):
        program = Program(b"a secret", number)
        wrong.append(program.run(SEED, program.answers(os.urandom(16))).wrong)
    assert min(wrong) > 1
    assert sum(wrong) / len(wrong) > QUESTIONS / 2


def test_the_program_of_yesterday_and_of_tomorrow_is_taken_and_no_other() -> None:
    programs = Programs(bytes(32))
    now = 100 * PERIOD + 5
    assert programs.current(now).number == 100
    names = {number: programs.current(number * PERIOD).name for number in range(95, 106)}
    assert [number for number, name in names.items() if programs.taken(name, now) is not None] == [99, 100, 101]
    assert programs.taken(-1, now) is None


def test_who_ran_the_program_of_another_key_is_not_contradicted() -> None:
    """Keys change, and releases, while scripts are in caches."""
    now = 100 * PERIOD
    before, after = Programs(b"a" * 32), Programs(b"b" * 32)
    ran = before.current(now)
    seen = ran.answers(SEED)
    answers = expected(SEED, ran.run(SEED, seen).key)
    assert examine(answers, seen, SEED, before.taken(ran.name, now)) is Evidence.BROWSER
    assert examine(answers, seen, SEED, after.taken(ran.name, now)) is Evidence.NONE


@pytest.mark.parametrize(("name", "most"), [("jsd.js", 15), ("challenge.js", 20), ("widget.js", 15)])
def test_a_built_script_has_one_place_for_it_and_stays_small(name: str, most: int) -> None:
    content = bundle(name).content
    assert content.count(MARK) == 1
    for number in range(10):
        served = placed(content, Program(os.urandom(32), number))
        assert MARK not in served
        assert served.isascii()
        assert b"</script" not in served
        assert len(gzip.compress(served, 6)) <= most * 1024


def test_the_script_computes_what_the_server_does() -> None:
    """In node, over the little layout of the laboratory's attack: all that is not layout runs as it is served."""
    asked = []
    programs = [Program(b"a secret", number) for number in range(25)]
    for program in programs:
        words = struct.unpack("<8i", sha256(b"program\0" + SEED).digest())
        asked.append(json.dumps({"program": program.script, "words": words}))
    done = subprocess.run(
        ["node", str(ROOT / "lab/clients/program.cjs")],
        input="\n".join(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    for program, line in zip(programs, done.stdout.splitlines(), strict=True):
        number, seen, state = json.loads(line)
        run = program.run(SEED, seen)
        assert (number, run.wrong, run.key) == (program.name, 0, struct.pack("<8i", *state))
