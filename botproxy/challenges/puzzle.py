"""The work that a browser does: many small SHA-256 puzzles, so that its time varies little and checking is cheap.

Puzzle `i` of a challenge is solved by a 32-bit number `a` such that

    SHA-256(nonce, 16 bytes | i, 4 bytes | a, 4 bytes)        big-endian, one block of SHA-256

starts with `difficulty` zero bits. Solutions are sent in the order of the puzzles, eight lower-case hex digits each,
from the first on without a gap: a solution stands for one puzzle alone, so none counts twice.
"""

from __future__ import annotations

import re
from hashlib import sha256
from struct import Struct
from typing import Final

_DIGITS: Final = 8
_WELL_FORMED: Final = re.compile(r"(?:[0-9a-f]{8})+\Z")
_TAIL: Final = Struct(">II")


def solved(nonce: bytes, difficulty: int, puzzles: int, answer: str) -> int | None:
    """How many puzzles `answer` solves, or None when it is malformed, too long, or any part of it is wrong.

    Costs about 0.8 µs for each puzzle answered, and stops at the first that is wrong.
    """
    if not 0 < len(answer) <= puzzles * _DIGITS or _WELL_FORMED.match(answer) is None:
        return None
    ceiling = 1 << (64 - difficulty)
    answers = bytes.fromhex(answer)
    count = len(answers) // 4
    for index in range(count):
        block = nonce + index.to_bytes(4, "big") + answers[index * 4 : index * 4 + 4]
        if int.from_bytes(sha256(block).digest()[:8], "big") >= ceiling:
            return None
    return count


def solve(nonce: bytes, difficulty: int, puzzles: int) -> str:
    """The answer that a visitor's browser would find; for tests and for measuring."""
    answer = bytearray()
    ceiling = 1 << (64 - difficulty)
    for index in range(puzzles):
        number = 0
        while int.from_bytes(sha256(nonce + _TAIL.pack(index, number)).digest()[:8], "big") >= ceiling:
            number += 1
        answer += number.to_bytes(4, "big")
    return answer.hex()
