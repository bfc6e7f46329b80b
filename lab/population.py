"""Header sets of people's browsers, drawn from a public model of real devices, as requests for pages and their parts.

The model (`apify_fingerprint_datapoints`, Apache-2.0) knows browser, system, device and protocol together with the
headers of a navigation. What it does not know is added as browsers send it: Host, Accept-Language by a table of
countries, Sec-Fetch by what is asked for, Referer, Priority, and the Accept of parts of pages. Marked `generated` in
every record: it widens the human side by devices, and says nothing of how people behave.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

_MISSING: Final = "*MISSING_VALUE*"

_LANGUAGES: Final = (
    ("en-US,en;q=0.9", "en-US,en;q=0.5", "en-US,en;q=0.9", 34),
    ("en-GB,en-US;q=0.9,en;q=0.8", "en-GB,en;q=0.5", "en-GB,en;q=0.9", 9),
    ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de,en-US;q=0.7,en;q=0.3", "de-DE,de;q=0.9", 9),
    ("fr-FR,fr;q=0.9,en-US;q=0.8,en;q=0.7", "fr,fr-FR;q=0.8,en-US;q=0.5,en;q=0.3", "fr-FR,fr;q=0.9", 8),
    ("es-ES,es;q=0.9", "es-ES,es;q=0.8,en-US;q=0.5,en;q=0.3", "es-ES,es;q=0.9", 6),
    ("pt-BR,pt;q=0.9,en-US;q=0.8,en;q=0.7", "pt-BR,pt;q=0.8,en-US;q=0.5,en;q=0.3", "pt-BR,pt;q=0.9", 6),
    ("ja,en-US;q=0.9,en;q=0.8", "ja,en-US;q=0.7,en;q=0.3", "ja-JP,ja;q=0.9", 6),
    ("zh-CN,zh;q=0.9", "zh-CN,zh;q=0.8,zh-TW;q=0.7,zh-HK;q=0.5,en-US;q=0.3,en;q=0.2", "zh-CN,zh-Hans;q=0.9", 6),
    ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", "ru-RU,ru;q=0.8,en-US;q=0.5,en;q=0.3", "ru", 5),
    ("it-IT,it;q=0.9,en-US;q=0.8,en;q=0.7", "it-IT,it;q=0.8,en-US;q=0.5,en;q=0.3", "it-IT,it;q=0.9", 4),
    ("pl-PL,pl;q=0.9,en-US;q=0.8,en;q=0.7", "pl,en-US;q=0.7,en;q=0.3", "pl-PL,pl;q=0.9", 3),
    ("tr-TR,tr;q=0.9,en-US;q=0.8,en;q=0.7", "tr-TR,tr;q=0.8,en-US;q=0.5,en;q=0.3", "tr-TR,tr;q=0.9", 2),
    ("ar,en-US;q=0.9,en;q=0.8", "ar,en-US;q=0.7,en;q=0.3", "ar", 2),
)
"""Of Chromium, Firefox and Safari, with a weight."""

_ENGINES: Final = {"chrome": "chromium", "edge": "chromium", "firefox": "firefox", "safari": "safari"}

_IMAGE: Final = {
    "chromium": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "firefox": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    "safari": "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,"
    "image/svg+xml,image/*;q=0.8,*/*;q=0.5",
}
_STYLE: Final = {"chromium": "text/css,*/*;q=0.1", "firefox": "text/css,*/*;q=0.1", "safari": "text/css,*/*;q=0.1"}
_JSON: Final = {"chromium": "*/*", "firefox": "*/*", "safari": "*/*"}

_CHROMIUM_PART: Final = (
    *("host", "connection", "sec-ch-ua-platform", "user-agent", "sec-ch-ua", "dnt", "sec-ch-ua-mobile", "accept"),
    *("origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "referer", "accept-encoding"),
    *("accept-language", "cookie", "priority"),
)
_CHROMIUM_PAGE: Final = (
    *("host", "connection", "cache-control", "sec-ch-ua", "sec-ch-ua-mobile", "sec-ch-ua-platform", "dnt"),
    *("upgrade-insecure-requests", "user-agent", "accept", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-user"),
    *("sec-fetch-dest", "referer", "accept-encoding", "accept-language", "cookie", "priority"),
)
_FIREFOX: Final = (
    *("host", "user-agent", "accept", "accept-language", "accept-encoding", "referer", "origin", "dnt", "sec-gpc"),
    *("connection", "cookie", "upgrade-insecure-requests", "sec-fetch-dest", "sec-fetch-mode", "sec-fetch-site"),
    *("sec-fetch-user", "priority", "te"),
)
_SAFARI: Final = (
    *("host", "sec-fetch-dest", "user-agent", "accept", "sec-fetch-site", "sec-fetch-mode", "accept-language"),
    *("priority", "referer", "accept-encoding", "cookie", "connection"),
)

JA4: Final = {
    "chromium": ("t13d1516h2_8daaf6152771_d8a2da3f94cd", "t13d1517h2_8daaf6152771_b6f405a00624"),
    "firefox": ("t13d1717h2_5b57614c22b0_3cbfd9057e0d", "t13d1617h2_86a278354501_a54fffd0eb61"),
    "safari": ("t13d2014h2_a09f3c656075_e42f34c56612", "t13d2013h2_a09f3c656075_7f0f34a4126d"),
}
"""A first connection's and another one's. Only their numbers and middle parts are read by features."""

HTTP2: Final = {
    "chromium": "1:65536;2:0;4:6291456;6:262144|15663105|0|m,a,s,p",
    "firefox": "1:65536;2:0;4:131072;5:16384|12517377|0|m,p,a,s",
    "safari": "2:0;3:100;4:2097152;9:1|10420225|0|m,s,a,p",
}


class Person(NamedTuple):
    """One browser of one person."""

    engine: str  # "chromium", "firefox", "safari"
    browser: str  # "chrome/147.0.0.0"
    system: str
    device: str
    http2: bool
    headers: Mapping[str, str]  # of a navigation, lower-case names, as the model knows them
    languages: str
    ja4: str


class Asked(NamedTuple):
    """One request that a person's browser makes."""

    destination: str  # "document", "image", "style", "script", "empty"
    method: str
    headers: tuple[tuple[str, str], ...]


class Population:
    """Draws people. The same seed draws the same ones."""

    def __init__(self, seed: int) -> None:
        import apify_fingerprint_datapoints as data

        folder = Path(data.__file__).parent / "data"
        self._random = random.Random(seed)
        self._devices = _nodes(folder / "input-network-definition.zip")
        self._headers = _nodes(folder / "header-network-definition.zip")

    def people(self, number: int) -> Iterator[Person]:
        """So many people whose browsers are of the three engines."""
        found = 0
        while found < number:
            person = self._draw()
            if person is not None:
                found += 1
                yield person

    def _draw(self) -> Person | None:
        known: dict[str, str] = {}
        for node in self._devices:
            if not self._sample(node, known):
                return None
        chosen = {name: known[name] for name in ("*BROWSER", "*OPERATING_SYSTEM", "*DEVICE", "*HTTP_VERSION")}
        known = dict(chosen)
        for node in self._headers:
            if node["name"] not in known and not self._sample(node, known):
                return None
        headers: dict[str, str] = {}
        for name, value in known.items():
            if not name.startswith("*") and value != _MISSING:
                headers.setdefault(name.lower(), value)
        engine = _ENGINES.get(chosen["*BROWSER"].partition("/")[0], "")
        if not engine or "user-agent" not in headers:
            return None
        if "CriOS" in headers["user-agent"] or "FxiOS" in headers["user-agent"] or "EdgiOS" in headers["user-agent"]:
            engine = "safari"
        column = ("chromium", "firefox", "safari").index(engine)
        row = self._random.choices(_LANGUAGES, [each[3] for each in _LANGUAGES])[0]
        return Person(
            engine,
            chosen["*BROWSER"],
            chosen["*OPERATING_SYSTEM"],
            chosen["*DEVICE"],
            chosen["*HTTP_VERSION"] == "_2.0_",
            headers,
            (row[0], row[1], row[2])[column],
            self._random.choice(JA4[engine]),
        )

    def _sample(self, node: Mapping[str, Any], known: dict[str, str]) -> bool:
        table: Any = node["conditionalProbabilities"]
        for parent in node["parentNames"]:
            deeper = table.get("deeper", {})
            table = deeper.get(known.get(parent, _MISSING), table.get("skip"))
            if table is None:
                return False
        values = [value for value in table if value not in ("deeper", "skip")]
        if not values:
            return False
        known[node["name"]] = self._random.choices(values, [table[value] for value in values])[0]
        return True

    def visit(self, person: Person, host: str, path: str, parts: int, came_from: str = "") -> Iterator[Asked]:
        """A page and some parts of it. `came_from` is the page before on the same host, "" for none."""
        site = "same-origin" if came_from else self._random.choice(("none", "none", "cross-site"))
        yield self._page(person, host, site, came_from)
        page = f"https://{host}{path}"
        for _ in range(parts):
            destination = self._random.choices(("image", "style", "script", "empty", "font"), (5, 1, 3, 2, 1))[0]
            yield self._part(person, host, destination, page)

    def _page(self, person: Person, host: str, site: str, came_from: str) -> Asked:
        headers = dict(person.headers)
        headers |= {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        if person.engine != "safari":
            headers["sec-fetch-user"] = "?1"
        if came_from:
            headers["referer"] = came_from
        elif site == "cross-site":
            headers["referer"] = self._random.choice(("https://www.google.com/", "https://duckduckgo.com/"))
        if self._random.random() < 0.08:
            headers["cache-control"] = "max-age=0"
        order = _CHROMIUM_PAGE if person.engine == "chromium" else _FIREFOX if person.engine == "firefox" else _SAFARI
        headers["priority"] = "u=0, i"
        return Asked("document", "GET", self._ordered(person, headers, order, host))

    def _part(self, person: Person, host: str, destination: str, page: str) -> Asked:
        engine = person.engine
        headers = {
            name: value
            for name, value in person.headers.items()
            if name not in ("upgrade-insecure-requests", "accept", "cache-control")
        }
        cors = destination in ("font", "empty")
        headers |= {
            "accept": {"image": _IMAGE, "style": _STYLE}.get(destination, _JSON)[engine],
            "sec-fetch-site": "same-origin",
            "sec-fetch-mode": "cors" if cors else "no-cors",
            "sec-fetch-dest": destination,
            "referer": page,
            "priority": {"image": "i", "style": "u=2", "script": "u=1"}.get(destination, "u=1, i"),
        }
        method = "GET"
        if destination == "font":
            headers["origin"] = f"https://{host}"
        elif destination == "empty" and self._random.random() < 0.3:
            method = "POST"
            headers |= {"origin": f"https://{host}", "content-type": "application/json"}
        order = _CHROMIUM_PART if engine == "chromium" else _FIREFOX if engine == "firefox" else _SAFARI
        return Asked(destination, method, self._ordered(person, headers, order, host))

    def _ordered(
        self, person: Person, headers: dict[str, str], order: tuple[str, ...], host: str
    ) -> tuple[tuple[str, str], ...]:
        headers |= {"host": host, "accept-language": person.languages}
        if person.http2:
            headers.pop("connection", None)
        else:
            headers["connection"] = "keep-alive"
            headers.pop("te", None)
            if person.engine != "firefox":
                headers.pop("priority", None)
        if person.engine == "firefox" and person.http2:
            headers["te"] = "trailers"
        names = [name for name in order if name in headers]
        names += [name for name in headers if name not in order]
        return tuple((name if person.http2 else _spelled(name, person.engine), headers[name]) for name in names)


def _spelled(name: str, engine: str) -> str:
    """How browsers spell a name over HTTP/1.1."""
    if engine == "chromium" and name.startswith("sec-ch-ua"):
        return name
    return {"dnt": "DNT", "te": "TE", "sec-gpc": "Sec-GPC"}.get(name, name.title())


def _nodes(path: Path) -> list[dict[str, Any]]:
    with zipfile.ZipFile(path) as packed:
        listed = json.loads(packed.read(packed.namelist()[0]))["nodes"]
    return list(listed)
