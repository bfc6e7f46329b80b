"""Our verdicts against those of Cloudflare's own parser, over recorded cases and generated expressions."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest
from grammar import Maker
from hypothesis import given, settings
from hypothesis import strategies as st

from botproxy.rules import FIELDS, NamedList, RuleError, compile_expression
from botproxy.rules.lists import unread

wirefilter = pytest.importorskip("octorules_wirefilter")
CASES = Path(__file__).parents[2] / "../shared/data/expressions_accept_reject.jsonl"
SCHEMA = CASES.with_name("rules_schema.json")


class Difference(NamedTuple):
    """A difference on purpose: who refuses, with what message, what the expression holds, and why."""

    we_refuse: bool
    message: str
    text: str
    reason: str


DIFFERENCES = [
    Difference(True, "an expression is missing", "", "an empty rule is a mistake, not a rule"),
    Difference(True, "an expression has at most", "", "the length is limited in the product, not in its parser"),
    Difference(True, "is not supported: it is in no documentation", "", "functions that the documentation lacks"),
    Difference(True, "is not supported: it reads packets", "bit_slice", "a function for packets"),
    Difference(True, "is not supported: tokens of", "is_jwt", "needs the configuration of an API gateway"),
    Difference(True, "is only supported where what stands", "", "word edges of which RE2 cannot be told"),
    Difference(True, "a repeated assertion of this kind", "", "the same, repeated"),
    Difference(True, "over characters is not supported", "", "word edges among characters: RE2 has those of ASCII"),
    Difference(True, "no Unicode property named", "", "properties that RE2 has no table of"),
    Difference(True, "lines that end in CR LF", "", "RE2 has no such lines"),
    Difference(True, "takes more memory than one may have", "", "their limit is another number"),
    Difference(True, "the expression is too long", "", "the same"),
    Difference(True, "written out, the expression is too long", "", "the same"),
    Difference(False, "exceeds size limit", "", "the same, seen from there"),
    Difference(
        True, "a prefix length here is", "cidr", "the documentation has bounds that their parser does not check"
    ),
    Difference(True, "flags are", "encode_base64", "the same"),
    Difference(True, "the only flag is", "", "the same"),
    Difference(True, "the separator cannot be empty", "split", "the same"),
    Difference(True, "a limit is 1 to 128", "split", "the same"),
    Difference(True, "there is no group", "_replace", "the same"),
    Difference(True, "a replacement has at most", "_replace", "the same"),
    Difference(
        True, "invalid argument #1: ", "_replace", "a pattern that cannot be read is found when the rule is read"
    ),
    Difference(False, "got Array<", r"len\s*\(", "documented: the length of an array"),
    Difference(
        False,
        "invalid number of arguments",
        r"substring\s*\(|url_decode\s*\(|lookup_json_",
        "documented: more or fewer",
    ),
    Difference(False, "expected value of type Bytes, but got Int", "lookup_json_", "documented: positions as keys"),
    Difference(False, "expected value of type Int, but got", r"to_string\s*\(", "documented: truths and addresses"),
    Difference(
        False, "kind Field, but got Literal", r"sha256\s*\(|sha512\s*\(|encode_base64\s*\(", "documented: literals"
    ),
    Difference(
        False,
        "kind Literal, but got Field",
        r"has_key\s*\(|has_value\s*\(",
        "documented: keys and values that are computed",
    ),
    Difference(
        False, "invalid type of argument", r"has_key\s*\(|has_value\s*\(", "documented: maps and arrays of any type"
    ),
    Difference(False, "", r"is_timed_hmac_valid_v0\s*\(", "documented in another order than their parser has"),
    Difference(True, "", r"is_timed_hmac_valid_v0\s*\(", "the same, seen from here"),
    Difference(
        False,
        "unrecognised input",
        r"(len|substring|url_decode|lookup_json_\w+|to_string|sha\d+|encode_base64|has_key|has_value)\s*\(",
        "documented: one of those above, of which their parser says no more in this place",
    ),
]
"""All of them. Where both refuse or both accept, nothing is looked up here."""


class AnyList(dict[str, NamedList]):
    def get(self, key: str, default: object = None) -> NamedList:
        return unread(key)


def ours(text: str) -> str | None:
    """Why we refuse the expression; None when we accept it."""
    try:
        compile_expression(text, lists=AnyList())
    except RuleError as error:
        return error.message
    return None


def theirs(text: str) -> str | None:
    """Why they refuse it."""
    error: str | None = wirefilter.parse_expression(text).get("error")
    return error


def difference(text: str, our: str | None, their: str | None) -> Difference | None:
    """The known difference that explains two verdicts which are not the same."""
    message = our if their is None else their
    assert message is not None
    for known in DIFFERENCES:
        if known.we_refuse is (their is None) and known.message in message and re.search(known.text, text):
            return known
    return None


def disagreement(text: str) -> str:
    """What is wrong with our verdict; empty when nothing is."""
    our, their = ours(text), theirs(text)
    if (our is None) is (their is None) or difference(text, our, their) is not None:
        return ""
    return f"{text!r}: ours {our or 'accepted'!r}, theirs {their or 'accepted'!r}"


@pytest.mark.skipif(not CASES.exists(), reason="the recorded cases of shared/data are not here")
def test_recorded_cases_get_the_same_verdict() -> None:
    rows = [json.loads(line) for line in CASES.read_text().splitlines()]
    assert len(rows) > 900
    for row in rows:
        assert (theirs(row["expression"]) is None) is row["accepted"]
    assert [found for row in rows if (found := disagreement(row["expression"]))] == []


@pytest.mark.skipif(not SCHEMA.exists(), reason="the recorded schema is not here")
def test_every_field_is_declared_with_the_same_type() -> None:
    names = {"BOOL": "Bool", "INT": "Int", "STRING": "Bytes", "IP": "Ip"}
    for row in json.loads(SCHEMA.read_text())["fields"]:
        *outer, inner = row["type"].replace("MAP_STRING_INT", "MAP_INT").split("_")
        expected = names[inner]
        for layer in reversed(outer):
            expected = f"{layer.capitalize()}<{expected}>"
        assert str(FIELDS.fields[row["name"]].type) == expected, row


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 2**64), slips=st.sampled_from([0.0, 0.02, 0.1]))
def test_generated_expressions_get_the_same_verdict(seed: int, slips: float) -> None:
    maker = Maker(Random(seed), slips)
    assert [found for _ in range(8) if (found := disagreement(maker.expression()))] == []


def test_most_of_what_is_generated_without_slips_is_accepted() -> None:
    chance = Random(7)
    made = [Maker(chance, 0.0).simple(False) for _ in range(400)]
    assert sum(theirs(text) is None for text in made) > 120, "or else little is tested"


@pytest.mark.parametrize("character", [*map(chr, range(1, 0x100)), "\u1680", "\u2000", "\u200b", "\u2028", "\u3000"])
def test_white_space_counts_where_it_counts_there(character: str) -> None:
    for text in (f"{character}ssl", f"ssl{character}", f"not{character}ssl"):
        assert disagreement(text) == ""


def main() -> None:
    """Judge this many expressions and say how often the verdicts agree."""
    chance = Random()
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    accepted = agreed = 0
    known: Counter[str] = Counter()
    unknown: list[str] = []
    for number in range(wanted):
        text = Maker(chance, (0.0, 0.02, 0.1)[number % 3]).expression()
        our, their = ours(text), theirs(text)
        accepted += their is None
        if (our is None) is (their is None):
            agreed += 1
            continue
        found = difference(text, our, their)
        if found is None:
            unknown.append(f"{text!r}: ours {our or 'accepted'!r}, theirs {their or 'accepted'!r}")
        else:
            known[found.reason] += 1
    print(f"{wanted} judged, {accepted} of them accepted there; {agreed} verdicts agree")
    for reason, count in known.most_common():
        print(f"{count:6d} on purpose: {reason}")
    print(f"{len(unknown):6d} for no known reason", *sorted(unknown, key=len)[:20], sep="\n")


if __name__ == "__main__":
    main()
