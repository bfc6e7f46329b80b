"""Which client a JA4, or a fingerprint of HTTP/2, is known to be, from files that name clients; and the file that comes
with the product."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final, NamedTuple, final

import yaml

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}\Z")
_JA4: Final = re.compile(r"[tqd][0-9a-z]{2}[di][0-9]{4}[0-9A-Za-z]{2}_[0-9a-f]{12}_[0-9a-f]{12}\Z")
_CIPHERS: Final = re.compile(r"[0-9a-f]{12}\Z")
_PAIRS: Final = r"\d{1,5}:\d{1,10}(?:;\d{1,5}:\d{1,10})*"
_PRIORITY: Final = r"\d{1,10}:[01]:\d{1,10}:\d{1,3}"
_HTTP2: Final = re.compile(rf"(?:{_PAIRS})?\|\d{{1,10}}\|(?:0|{_PRIORITY}(?:,{_PRIORITY})*)\|(?:[masp](?:,[masp])*)?\Z")
_KEYS: Final = frozenset(("client", "ja4", "ciphers", "http2", "generic", "seen"))
_FINGERPRINTS: Final = ("ja4", "ciphers", "http2")


class KnownClient(NamedTuple):
    """One kind of client. Of `ja4`, `ciphers` and `http2` one is set."""

    client: str  # "chromium", "curl"
    ja4: str = ""  # whole
    ciphers: str = ""  # its middle part
    generic: bool = False  # other programs have the same
    seen: str = ""  # for people
    http2: str = ""  # how it begins to speak HTTP/2, in the notation of Akamai's paper


class KnownClientsError(ValueError):
    """Files of known clients have mistakes; `problems` has one sentence each."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@final
class KnownClients:
    """Immutable. A whole JA4 comes before its middle part, and what was read first before what came later."""

    __slots__ = ("_by_ciphers", "_by_http2", "_by_ja4")

    def __init__(self, known: Iterable[KnownClient]) -> None:
        self._by_ja4: Final[dict[str, KnownClient]] = {}
        self._by_ciphers: Final[dict[str, KnownClient]] = {}
        self._by_http2: Final[dict[str, KnownClient]] = {}
        for each in known:
            if each.http2:
                self._by_http2.setdefault(each.http2, each)
            elif each.ja4:
                self._by_ja4.setdefault(each.ja4, each)
            else:
                self._by_ciphers.setdefault(each.ciphers, each)

    def find(self, ja4: str) -> KnownClient | None:
        """The client that has this JA4; None when it is not known."""
        found = self._by_ja4.get(ja4)
        return self._by_ciphers.get(ja4[11:23]) if found is None else found

    def find_http2(self, fingerprint: str) -> KnownClient | None:
        """The client that begins to speak HTTP/2 like this; None when it is not known."""
        return self._by_http2.get(fingerprint)

    @classmethod
    def read(cls, texts: Mapping[str, str]) -> KnownClients:
        """From texts in YAML, by the name of their file. Raises KnownClientsError with everything that is wrong."""
        problems: list[str] = []
        known = [each for name, text in texts.items() for each in _entries(name, text, problems)]
        if problems:
            raise KnownClientsError(tuple(problems))
        return cls(known)


def _entries(name: str, text: str, problems: list[str]) -> list[KnownClient]:
    try:
        listed = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        problems.append(f"{name}: {problem}")
        return []
    if not isinstance(listed, list):
        problems.append(f"{name}: a list of clients was expected")
        return []
    known: list[KnownClient] = []
    for position, entry in enumerate(listed, 1):
        fault = _fault(entry)
        if fault:
            problems.append(f"{name}, client {position}: {fault}")
        else:
            known.append(KnownClient(**entry))
    return known


def _fault(entry: object) -> str:
    """What is wrong with an entry; "" when nothing is."""
    if not isinstance(entry, dict) or not set(entry) <= _KEYS:
        return "has client, one of ja4, ciphers and http2, and where it helps generic and seen"
    if not isinstance(entry.get("client"), str) or _NAME.match(entry["client"]) is None:
        return "client is a name in lower-case letters, digits and hyphens"
    if sum(key in entry for key in _FINGERPRINTS) != 1:
        return "has one of ja4, ciphers and http2"
    if "http2" in entry and (not isinstance(entry["http2"], str) or _HTTP2.match(entry["http2"]) is None):
        return "http2 is a fingerprint such as 1:65536;2:0;4:6291456|15663105|0|m,a,s,p, in quotation marks"
    if "ja4" in entry and (not isinstance(entry["ja4"], str) or _JA4.match(entry["ja4"]) is None):
        return "ja4 is a whole JA4, such as t13d1516h2_8daaf6152771_e5627efa2ab1"
    if "ciphers" in entry and (not isinstance(entry["ciphers"], str) or _CIPHERS.match(entry["ciphers"]) is None):
        return "ciphers is the middle part of a JA4, 12 hex digits in quotation marks"
    if not isinstance(entry.get("generic", False), bool) or not isinstance(entry.get("seen", ""), str):
        return "generic is true or false, and seen a text"
    return ""


def shipped_clients_text() -> str:
    """The file that comes with the product."""
    return files(__name__.rpartition(".")[0]).joinpath("known_clients.yaml").read_text("utf-8")


@lru_cache(maxsize=1)
def shipped_clients() -> KnownClients:
    """What is known without a file of the operator."""
    return KnownClients.read({"known_clients.yaml": shipped_clients_text()})
