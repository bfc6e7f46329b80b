"""A program that the served script carries, another one each day and in each deployment, and what it computes.

It turns the seed of a page into the key of the work that follows (`work`), and asks the browser small questions about
layout on the way (`questions`), whose answers go into the key. It is made from a secret that only this deployment has:
to know what a seed asks for, somebody without it has to run, or to read, what was served, and to lay out what that
builds. The answers are reported beside the work, so that rounding cannot part the browser from the server.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import Final, NamedTuple, final

from botproxy.scoring.jsd.asking import WIDTH
from botproxy.scoring.jsd.questions import Question, draw_question
from botproxy.scoring.jsd.sealing import Draws

PERIOD: Final = 86_400.0
"""Seconds for which a program is served. Reports of the one before, and after, are still taken."""

QUESTIONS: Final = 14
MARK: Final = b"$VARIANT$"
"""What stands in a built script in its place."""

_MIXES: Final = 4  # between two questions, at least
_BITS: Final = 0xFFFFFFFF
_WORDS: Final = Struct("<8I")


class Mix(NamedTuple):
    """A step of arithmetic on the state of eight words."""

    kind: int
    to: int
    first: int
    second: int
    constant: int


class Run(NamedTuple):
    """What a seed comes to with the answers that were given."""

    key: bytes  # 32 bytes
    right: int
    wrong: int


@final
class Program:
    """One. Immutable."""

    __slots__ = ("_steps", "name", "number", "script")

    def __init__(self, secret: bytes, number: int) -> None:
        draw = Draws(hmac.digest(secret, b"program %d" % number, "sha256"), "steps")
        steps: list[Mix | Question] = []
        for _ in range(QUESTIONS):
            steps += [_draw_mix(draw) for _ in range(draw(_MIXES, _MIXES + 3))]
            steps.append(draw_question(draw))
        steps += [_draw_mix(draw) for _ in range(8)]
        self.number: Final = number
        self._steps: Final = steps
        written = _written(steps, draw)
        # Another key, or another release, makes another program of the same day. Whoever ran that one did nothing
        # wrong, so a report names what was run, and not only when.
        self.name: Final = int.from_bytes(sha256(written.encode()).digest()[:3]) >> 1
        self.script: Final = f"{written}return[{self.name},a]}})"

    def run(self, seed: bytes, answers: Sequence[float]) -> Run:
        """Compute with the answers of a report, `QUESTIONS` of them."""
        state = list(_WORDS.unpack(sha256(b"program\0" + seed).digest()))
        right = wrong = 0
        at = 0
        for step in self._steps:
            if isinstance(step, Mix):
                _mix(step, state)
            else:
                given = answers[at]
                if abs(given - step.answer(state)) <= step.near + 0.5:
                    right += 1
                else:
                    wrong += 1
                word = at & 7
                state[word] = (state[word] ^ int(given) & _BITS) * (0x9E3779B1 + 2 * at) & _BITS
                at += 1
        return Run(_WORDS.pack(*state), right, wrong)

    def answers(self, seed: bytes) -> list[int]:
        """What a browser answers."""
        state = list(_WORDS.unpack(sha256(b"program\0" + seed).digest()))
        found: list[int] = []
        for step in self._steps:
            if isinstance(step, Mix):
                _mix(step, state)
            else:
                given = round(step.answer(state))
                word = len(found) & 7
                state[word] = (state[word] ^ given & _BITS) * (0x9E3779B1 + 2 * len(found)) & _BITS
                found.append(given)
        return found


@final
class Programs:
    """Those of one deployment. Remembers four."""

    __slots__ = ("_known", "_secret")

    def __init__(self, secret: bytes) -> None:
        """`secret` is 32 bytes that all workers and nodes share."""
        self._secret: Final = secret
        self._known: Final[dict[int, Program]] = {}

    def current(self, now: float) -> Program:
        """The one that is served now; `now` is seconds since the epoch. The first call in a period takes 2 ms."""
        return self._program(int(now // PERIOD))

    def taken(self, name: int, now: float) -> Program | None:
        """The one that a report names, if it is one of this deployment's and still taken."""
        today = int(now // PERIOD)
        for number in (today, today - 1, today + 1):
            program = self._program(number)
            if program.name == name:
                return program
        return None

    def _program(self, number: int) -> Program:
        known = self._known.get(number)
        if known is None:
            while len(self._known) >= 4:
                del self._known[min(self._known)]
            known = self._known[number] = Program(self._secret, number)
        return known


PUBLIC: Final = Programs(bytes(32))
"""Those of a secret that everybody knows: for tests and the laboratory."""


def placed(script: bytes, program: Program) -> bytes:
    """A built script that has `MARK` in it, with the program in its place."""
    return script.replace(MARK, program.script.encode("ascii"), 1)


def _draw_mix(draw: Draws) -> Mix:
    return Mix(draw(0, 5), draw(0, 7), draw(0, 7), draw(0, 7), draw(0, _BITS - 1) | 1)


def _mix(step: Mix, state: list[int]) -> None:
    kind, to, first, second, constant = step
    a, b = state[first], state[second]
    if kind == 0:
        found = (a ^ constant) * (b | 1)
    elif kind == 1:
        by = constant % 31 + 1
        found = state[to] ^ (a << by & _BITS | a >> (32 - by))
    elif kind == 2:
        found = a + b + constant
    elif kind == 3:
        found = state[to] ^ (32 - a.bit_length()) * constant
    elif kind == 4:
        found = state[to] ^ int("".join(sorted(str(a)))[:9]) ^ b
    else:
        found = state[to] + (a & constant | b & ~constant & _BITS)
    state[to] = found & _BITS


def _mix_script(step: Mix) -> str:
    kind, to, first, second, constant = step
    signed = constant - (1 << 32) if constant >> 31 else constant
    a, b = f"s[{first}]", f"s[{second}]"
    if kind == 0:
        return f"s[{to}]=Math.imul({a}^{signed},{b}|1)"
    if kind == 1:
        by = constant % 31 + 1
        return f"s[{to}]^={a}<<{by}|{a}>>>{32 - by}"
    if kind == 2:
        return f"s[{to}]={a}+{b}+{constant}"
    if kind == 3:
        return f"s[{to}]^=Math.imul(Math.clz32({a}),{signed})"
    if kind == 4:
        return f's[{to}]^=+[...""+({a}>>>0)].sort().join("").slice(0,9)^{b}'
    return f"s[{to}]+={a}&{signed}|{b}&~{signed}"


_LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _Texts:
    """The texts of a script, shifted and shuffled, and how it names them."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def __call__(self, text: str) -> str:
        return f"<{self.known.setdefault(text, len(self.known))}>"

    def table(self, draw: Draws) -> tuple[list[int], list[str]]:
        """For each number its place in the table, and the table."""
        order = list(range(len(self.known)))
        for at in range(len(order) - 1, 0, -1):
            other = draw(0, at)
            order[at], order[other] = order[other], order[at]
        texts = list(self.known)
        places = [0] * len(order)
        for place, number in enumerate(order):
            places[number] = place
        return places, [texts[number] for number in order]


def _written(steps: Sequence[Mix | Question], draw: Draws) -> str:
    """The program as an expression: a function of the state (Int32Array), changed in place, and of what elements are
    put into. Its end is missing, where it returns its name and the answers, `a`."""
    texts = _Texts()
    lines: list[str] = []
    at = 0
    for step in steps:
        if isinstance(step, Mix):
            lines.append(_mix_script(step))
            continue
        build, asked = step.script(texts)
        factor = 0x9E3779B1 + 2 * at
        lines.append(
            f"c=e(b,{texts('position')},{texts('absolute')},{texts('left')},{texts('0px')},{texts('top')},"
            f"{texts('0px')},{texts('width')},{texts(f'{WIDTH}px')},{texts('height')},{texts(f'{WIDTH}px')});{build}"
        )
        lines.append(
            f"a.push(o=Math.round({asked}));c.remove();s[{at & 7}]=Math.imul(s[{at & 7}]^o,{factor - (1 << 32)})"
        )
        at += 1
    places, table = texts.table(draw)
    shift = draw(1, 25)
    mark = "\x7f"
    coded = "".join(
        chr((ord(letter) - 32 + shift) % 95 + 32) if letter != mark else mark for letter in mark.join(table)
    )
    quoted = coded.replace("\\", "\\\\").replace('"', '\\"').replace(mark, "\\x7f").replace("</", "<\\/")
    body = ";".join(lines)
    name = _LETTERS[draw(26, 51)]
    parts = body.split("<")
    # Every text is named by a number in angle brackets; nothing else in a script that was written here has one so.
    named = [parts[0]]
    for before, part in pairwise(parts):
        digits, bracket, rest = part.partition(">")
        if bracket and digits.isdigit() and not before.endswith("<"):
            named.append(f"{name}[{places[int(digits)]}]{rest}")
        else:
            named.append("<" + part)
    return (
        f'((s,b)=>{{let a=[],c,x,y,z,w,o,{name}="{quoted}".split("\\x7f").map(v=>[...v].map(h=>String.fromCharCode('
        f'(h.charCodeAt(0)-32+{95 - shift})%95+32)).join("")),d=b.ownerDocument,'
        'e=(p,...q)=>{let u=d.createElement("div");for(let i=0;i<q.length;)u.style.setProperty(q[i++],q[i++]);'
        "return p.appendChild(u)},r=u=>u.getBoundingClientRect();"
        f"{''.join(named)};"
    )
