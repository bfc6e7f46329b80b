"""The language of a page is one that the visitor asked for, and no language lacks a sentence."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from botproxy.challenges.words import LANGUAGES, LONGEST, Words, choose, read
from botproxy.errors import OperatorError

FOLDER = files("botproxy.challenges").joinpath("languages")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        (b"", "en"),
        (b"de", "de"),
        (b"de-CH,de;q=0.9,en;q=0.8", "de"),
        (b"en;q=0.5, fr;q=0.9", "fr"),
        (b"sv, es;q=0.3", "es"),
        (b"PT-BR", "pt"),
        (b"zh-Hant-TW", "zh-Hans"),
        (b"iw-IL", "he"),
        (b"ar-EG,ar;q=0.9", "ar"),
        (b"sv-SE;q=1.0,sv;q=0.9,nl;q=0.2", "nl"),
        (b"und", "en"),
        (b"*", "en"),
        (b"de;q=0", "en"),
        (b"de;q=-1", "en"),
        (b"de;q=1e99", "en"),
        (b"de;q=99999999999", "en"),
        (b"de ; q=0.5", "de"),
        (b"\xed\xa0\x80", "en"),
        (b"x" * 5000 + b",de", "en"),
        (b"x," * 127 + b"xx,de-AT", "en"),  # cut in two after 256 bytes: what is left could be another language
    ],
)
def test_the_language_liked_best_is_chosen(header: bytes | None, language: str) -> None:
    assert choose(header).language == language


def test_who_asks_for_none_that_we_speak_reads_that_of_the_site() -> None:
    assert choose(b"sv", LANGUAGES["it"]).language == "it"
    assert choose(b"sv,en;q=0.1", LANGUAGES["it"]).language == "en"


_TAG = st.sampled_from([*LANGUAGES, "sv", "de-AT", "zh-Hant", "*"])
_WEIGHT = st.sampled_from(["", ";q=0", ";q=0.3", "; q=1", ";q=0.999", ";q=7", ";q="])


@given(
    st.one_of(
        st.binary(max_size=300),
        st.lists(st.tuples(_TAG, _WEIGHT), max_size=12).map(lambda parts: ",".join(map("".join, parts)).encode()),
    )
)
@example(b"de" + b"-x" * 200)
def test_any_header_gives_a_language(header: bytes) -> None:
    assert choose(header) in LANGUAGES.values()


@given(st.dictionaries(st.sampled_from(sorted(LANGUAGES)), st.integers(1, 10), min_size=1, max_size=10))
def test_nobody_gets_a_language_that_they_like_less_than_another_one(wishes: dict[str, int]) -> None:
    chosen = choose(",".join(f"{tag};q={tenth / 10}" for tag, tenth in wishes.items()).encode())
    liked = {LANGUAGES[tag]: tenth for tag, tenth in wishes.items()}
    assert liked[chosen] == max(wishes.values())


def test_there_are_at_least_ten_languages_and_two_that_run_from_right_to_left() -> None:
    assert len(LANGUAGES) >= 10
    assert {words.language for words in LANGUAGES.values() if words.direction == "rtl"} == {"ar", "he"}


@pytest.mark.parametrize("tag", sorted(LANGUAGES))
def test_no_sentence_is_missing_too_much_or_left_in_english(tag: str) -> None:
    words = read(FOLDER.joinpath(f"{tag}.toml").read_text("utf-8"), tag)
    assert words.language.lower().startswith(tag)
    alike = [key for key in Words._fields if getattr(words, key) == getattr(LANGUAGES["en"], key)]
    assert tag == "en" or len(set(alike) - {"language", "direction", "error"}) == 0, alike
    for key in ("blocked_text", "report_hint"):
        assert "Ray ID" in getattr(words, key), key
    assert "500" in words.report_note


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ('heading = "Checking your browser"\n', "`heading` is missing"),
        ('direction = "ltr" ', "`direction`"),
        ('language = "en"\n', "`language` is missing"),
    ],
)
def test_a_file_that_is_not_complete_is_refused_with_what_it_lacks(changed: str, said: str) -> None:
    text = FOLDER.joinpath("en.toml").read_text("utf-8")
    assert changed in text
    with pytest.raises(OperatorError, match=said):
        read(text.replace(changed, ""), "xx.toml")


def test_a_text_that_is_too_long_or_not_asked_for_is_refused() -> None:
    text = FOLDER.joinpath("en.toml").read_text("utf-8")
    with pytest.raises(OperatorError, match="`farewell` is not asked for"):
        read(text + 'farewell = "Bye"\n', "xx.toml")
    with pytest.raises(OperatorError, match="`retry` is no text"):
        read(text.replace('retry = "Try again"', f'retry = "{"x" * (LONGEST + 1)}"'), "xx.toml")
    with pytest.raises(OperatorError, match="line 1"):
        read("=", "xx.toml")
