"""The same visits as another browser of the same engine would have made them: forks, apps that show pages, older ones.

A laboratory has a handful of browsers. People have Samsung's, Brave, the browser inside of an app, a telephone that got
its last update years ago. A model that never saw those takes what differs for the mark of a program. What differs is
known: a few words of the User-Agent and of the client hints, headers that an engine learnt with a certain version. So
visits are told again with those. Which one it is is drawn by visit and never by label: a bot that copied the headers of
a browser copies those of the other one as well, so no name of a browser says anything by itself.

Sources: the browsers' own release notes and documentation; when Chromium and Firefox began to send a header.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from botproxy.training.dataset import Labelled

_CHROME: Final = re.compile(r"Chrome/(\d+)[\d.]*")
_FIREFOX: Final = re.compile(r"rv:(\d+)[\d.]*\) Gecko/\S+ Firefox/(\d+)[\d.]*")
_OTHER_FORK: Final = re.compile(r" (?:Edg|EdgA|OPR)/[\d.]+")
_BRANDS: Final = '"{0}";v="{1}", "Chromium";v="{2}", "Not_A Brand";v="24"'
_NO_EXCHANGE: Final = ",application/signed-exchange;v=b3;q=0.7"
_CHROMIUM_TLS: Final = "_8daaf6152771_"
_OLDER_CHROMIUM_TLS: Final = "t13d1516h2_8daaf6152771_e5627efa2ab1"

Headers = dict[str, str]  # lower-case names in their order, each once


class Kind(NamedTuple):
    """Another browser."""

    name: str
    engine: str  # "chromium", "firefox", "safari"
    dress: Callable[[Headers, int, random.Random], None]
    """Changes the headers; given the major version of the engine, and what is drawn the same for the whole visit."""
    least: int = 0
    """Versions of the engine, from …"""
    most: int = 999
    """… to."""


def _mobile(headers: Headers, version: int, system: str = "Linux; Android 10; K") -> None:
    headers["user-agent"] = (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Mobile Safari/537.36"
    )
    _hint(headers, "sec-ch-ua-mobile", "?1")
    _hint(headers, "sec-ch-ua-platform", '"Android"')


def _hint(headers: Headers, name: str, value: str) -> None:
    if name in headers:
        headers[name] = value


def _brand(name: str, own: str = "{0}") -> Callable[[Headers, int], None]:
    def dress(headers: Headers, version: int) -> None:
        _hint(headers, "sec-ch-ua", _BRANDS.format(name, own.format(version), version))

    return dress


def _fork(
    name: str, token: str = "", before: bool = False, mobile: bool = False, own: str = "{0}", exchange: bool = True,
    private: bool = False,
) -> Callable[[Headers, int, random.Random], None]:  # fmt: skip
    """A fork of Chromium: its brand, its token (before or after Chrome's), whether it forgoes signed exchanges, and
    says that it does not want to be followed.
    """
    branded = _brand(name, own)

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        headers["user-agent"] = _OTHER_FORK.sub("", headers["user-agent"])
        if mobile:
            _mobile(headers, version)
        branded(headers, version)
        if token:
            agent, what = headers["user-agent"], token.format(version)
            headers["user-agent"] = agent.replace("Chrome/", f"{what} Chrome/") if before else f"{agent} {what}"
        if not exchange and "accept" in headers:
            headers["accept"] = headers["accept"].replace(_NO_EXCHANGE, "")
        if private:
            _insert(headers, "sec-gpc", "1", "accept")

    return dress


def _insert(headers: Headers, name: str, value: str, after: str) -> None:
    """Put a header after another one, or last."""
    if name in headers:
        return
    items = list(headers.items())
    at = next((place for place, (each, _) in enumerate(items, 1) if each == after), len(items))
    items.insert(at, (name, value))
    headers.clear()
    headers.update(items)


def _embedded(suffixes: tuple[str, ...], package: str) -> Callable[[Headers, int, random.Random], None]:
    """The browser inside of an app of Android."""

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        build = drawn.randrange(20, 190)
        device = drawn.choice(("SM-A536B", "Pixel 7", "2201117TY", "CPH2483", "moto g54 5G", "SM-S911U"))
        system = f"Linux; Android {drawn.randint(9, 15)}; {device} Build/UP1A.231005.007; wv"
        headers["user-agent"] = (
            f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
            f"Chrome/{version}.0.{drawn.randint(4000, 7200)}.{build} Mobile Safari/537.36{drawn.choice(suffixes)}"
        )
        _hint(headers, "sec-ch-ua-mobile", "?1")
        _hint(headers, "sec-ch-ua-platform", '"Android"')
        _brand("Android WebView")(headers, version)
        if drawn.random() < 0.7:  # newer ones leave it out
            _insert(headers, "x-requested-with", package, "accept")

    return dress


def _older_chromium(least: int, most: int) -> Callable[[Headers, int, random.Random], None]:
    """Chrome as it was: what a version did not send yet is left out."""

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        then = drawn.randint(least, min(most, max(least, version)))
        agent = _OTHER_FORK.sub("", headers["user-agent"])
        headers["user-agent"] = _CHROME.sub(f"Chrome/{then}.0.0.0", agent)
        if then < 89:
            headers.pop("sec-ch-ua", None)
            headers.pop("sec-ch-ua-mobile", None)
        if then < 98:
            headers.pop("sec-ch-ua-platform", None)
        _hint(headers, "sec-ch-ua", _BRANDS.format("Google Chrome", then, then))
        if then < 76:
            for name in ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-user"):
                headers.pop(name, None)
        if then < 80:
            headers.pop("sec-fetch-dest", None)
        if then < 123:
            _hint(headers, "accept-encoding", headers.get("accept-encoding", "").replace(", zstd", ""))
        if then < 124:
            headers.pop("priority", None)
        accept = headers.get("accept", "")
        if accept.startswith("text/html"):
            if then < 110:
                accept = accept.replace(
                    "q=0.8,application/signed-exchange;v=b3;q=0.7", "q=0.8,application/signed-exchange;v=b3;q=0.9"
                )
            if then < 85:
                accept = accept.replace("image/avif,", "")
            if then < 73:
                accept = accept.partition(",application/signed-exchange")[0]
            headers["accept"] = accept
        elif accept.startswith("image/avif") and then < 85:
            headers["accept"] = accept.replace("image/avif,", "")

    return dress


def _older_firefox(token: str = "", least: int = 60, most: int = 139) -> Callable[[Headers, int, random.Random], None]:
    """Firefox as it was, and what is made of an older one."""

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        then = drawn.randint(least, min(most, max(least, version)))
        agent = _FIREFOX.sub(f"rv:{then}.0) Gecko/20100101 Firefox/{then}.0", headers["user-agent"])
        headers["user-agent"] = agent + token
        if then < 90:
            for name in ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-user", "sec-fetch-dest"):
                headers.pop(name, None)
        if then < 126:
            _hint(headers, "accept-encoding", headers.get("accept-encoding", "").replace(", zstd", ""))
        if then < 128:
            headers.pop("priority", None)
        if headers.get("accept", "").startswith("text/html"):
            pictures = "image/avif,image/webp," if then >= 92 else "image/webp," if then >= 65 else ""
            more = "image/png,image/svg+xml," if then >= 128 else ""
            shortest = then >= 132
            headers["accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9," + (
                "*/*;q=0.8" if shortest else f"{pictures}{more}*/*;q=0.8"
            )

    return dress


def _resisting(headers: Headers, version: int, drawn: random.Random) -> None:
    """A browser that looks the same for everybody, after a long-term release of Firefox."""
    long_term = drawn.choice((102, 115, 128, 140))
    headers["user-agent"] = (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{long_term}.0) Gecko/20100101 Firefox/{long_term}.0"
    )
    _hint(headers, "accept-language", "en-US,en;q=0.5")
    if long_term < 128:
        headers.pop("priority", None)
        _hint(headers, "accept-encoding", headers.get("accept-encoding", "").replace(", zstd", ""))
    if drawn.random() < 0.5:
        _insert(headers, "sec-gpc", "1", "accept-encoding")


def _telephone(headers: Headers, version: int, drawn: random.Random) -> None:
    """Firefox of Android, and its relative that forgets everything."""
    headers["user-agent"] = (
        f"Mozilla/5.0 (Android {drawn.randint(8, 16)}; Mobile; rv:{version}.0) Gecko/{version}.0 Firefox/{version}.0"
    )
    _hint(headers, "accept-language", drawn.choice(("en-US", "de-DE", "pl-PL", "fr-FR", "ru-RU,ru;q=0.8")))


_IOS_VERSIONS: Final = ("15_8", "16_7", "17_5_1", "18_1", "18_5", "26_0")


def _ios(suffixes: tuple[str, ...], sites: tuple[str, ...] = ()) -> Callable[[Headers, int, random.Random], None]:
    """The browser inside of an app of iOS, or another one's face on it."""

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        system, suffix = drawn.choice(_IOS_VERSIONS), drawn.choice(suffixes)
        headers["user-agent"] = (
            f"Mozilla/5.0 (iPhone; CPU iPhone OS {system} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            f"{suffix.format(drawn.randint(110, 148))}"
        )
        _safari_as_of(headers, int(system.partition("_")[0]))

    return dress


def _older_ios(headers: Headers, version: int, drawn: random.Random) -> None:
    """Safari of a telephone that gets no updates any more."""
    major = drawn.randint(11, 16)
    headers["user-agent"] = (
        f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{drawn.randint(0, 5)} like Mac OS X) AppleWebKit/605.1.15 "
        f"(KHTML, like Gecko) Version/{major}.{drawn.randint(0, 3)} Mobile/15E148 Safari/604.1"
    )
    _safari_as_of(headers, major)


def _of_a_set(system: str) -> Callable[[Headers, int, random.Random], None]:
    """A browser of WebKit on something else: a console, a desktop of Linux."""

    def dress(headers: Headers, version: int, drawn: random.Random) -> None:
        engine = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
        headers["user-agent"] = f"Mozilla/5.0 ({system}) {engine} Version/{drawn.randint(13, 18)}.0 Safari/605.1.15"
        _safari_as_of(headers, drawn.choice((13, 18)))

    return dress


def _safari_as_of(headers: Headers, major: int) -> None:
    if major <= 16:
        for name in ("sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "priority"):
            headers.pop(name, None)
    if major < 18:
        headers.pop("priority", None)
    if major <= 12:
        _hint(headers, "accept-encoding", "br, gzip, deflate")


_INSTAGRAM: Final = (" Instagram 358.0.0.51.97 Android (34/14; 450dpi; 1080x2116; samsung)",)
_FACEBOOK: Final = (" [FB_IAB/FB4A;FBAV/489.0.0.50.79;]", "[FBAN/EMA;FBLC/en_US;FBAV/430.0.0.8.107;]")
_APPS: Final = ("", " GSA/15.46.34", " Snapchat/13.16.0.50", " trill_380204 BytedanceWebview/d8a21c6")
_FACEBOOK_IOS: Final = (
    " Mobile/15E148 [FBAN/FBIOS;FBAV/489.0.0.42.97;FBBV/657437398;FBDV/iPhone14,5;FBMD/iPhone;FBSN/iOS;FBSS/3]",
    " Mobile/15E148 Instagram 358.0.0.34.93 (iPhone14,5; iOS 18_1; en_US; en; scale=3.00; 1170x2532; 671551436)",
)
_APPS_IOS: Final = (
    " Mobile/15E148",
    " Mobile/15E148 Snapchat/13.16.0.50 (like Safari/8618.2.12.10.9, panda)",
    " GSA/346.1.704810410 Mobile/15E148 Safari/604.1",
)
_OTHERS_IOS: Final = (
    " CriOS/{0}.0.6778.73 Mobile/15E148 Safari/604.1",
    " FxiOS/{0}.0 Mobile/15E148 Safari/605.1.15",
    " EdgiOS/{0}.0.2903.68 Version/17.0 Mobile/15E148 Safari/604.1",
    " Version/17.7 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15",
)

KINDS: Final = (
    Kind("samsung", "chromium", _fork("Samsung Internet", "SamsungBrowser/27.0", True, True, "27.0"), 110),
    Kind("brave", "chromium", _fork("Brave", exchange=False, private=True), 110),
    Kind("opera", "chromium", _fork("Opera", "OPR/{0}.0.0.0", own="{0}"), 110),
    Kind("vivaldi", "chromium", _fork("Vivaldi", own="7.1"), 110),
    Kind("yandex", "chromium", _fork("YaBrowser", "YaBrowser/24.12.0.0 Safari/537.36", own="24.12"), 110),
    Kind("duckduckgo", "chromium", _fork("DuckDuckGo", "DuckDuckGo/5", mobile=True, private=True), 110),
    Kind("ecosia", "chromium", _fork("Ecosia", "(Ecosia android@{0}.0.0.0)", mobile=True), 110),
    Kind("whale", "chromium", _fork("Whale", "Whale/4.29.282.14", own="4"), 110),
    Kind("qtwebengine", "chromium", _fork("Not;A=Brand", "QtWebEngine/6.7.2", True, own="8", exchange=True), 100),
    Kind("electron", "chromium", _fork("Not;A=Brand", "Slate/4.39.95", True, own="8"), 110),
    Kind("huawei", "chromium", _fork("HuaweiBrowser", "HuaweiBrowser/15.0.4.312", mobile=True, own="15"), 99),
    Kind("xiaomi", "chromium", _fork("MiuiBrowser", "XiaoMi/MiuiBrowser/14.12.0-gn", mobile=True, own="14"), 100),
    Kind("silk", "chromium", _fork("Amazon Silk", "Silk/{0}.1.17 like Chrome/{0}.0.0.0", mobile=True), 110),
    Kind("instagram", "chromium", _embedded(_INSTAGRAM, "com.instagram.android"), 100),
    Kind("facebook", "chromium", _embedded(_FACEBOOK, "com.facebook.katana"), 100),
    Kind("embedded", "chromium", _embedded(_APPS, "org.example.app"), 90),
    Kind("chrome-aged", "chromium", _older_chromium(98, 130)),
    Kind("chrome-old", "chromium", _older_chromium(70, 97)),
    Kind("tor", "firefox", _resisting),
    Kind("firefox-aged", "firefox", _older_firefox(least=90)),
    Kind("firefox-old", "firefox", _older_firefox(least=60, most=89)),
    Kind("palemoon", "firefox", _older_firefox(" PaleMoon/33.3.1", 68, 115)),
    Kind("seamonkey", "firefox", _older_firefox(" SeaMonkey/2.53.19", 91, 115)),
    Kind("kaios", "firefox", _older_firefox(" KAIOS/3.0", 84, 84)),
    Kind("firefox-telephone", "firefox", _telephone, 100),
    Kind("facebook-ios", "safari", _ios(_FACEBOOK_IOS)),
    Kind("embedded-ios", "safari", _ios(_APPS_IOS)),
    Kind("tiktok-ios", "safari", _ios((" Mobile/15E148 musical_ly_38.1.0 BytedanceWebview/d8a21c6",))),
    Kind("other-ios", "safari", _ios(_OTHERS_IOS)),
    Kind("ios-old", "safari", _older_ios),
    Kind("epiphany", "safari", _of_a_set("X11; Linux x86_64")),
    Kind("console", "safari", _of_a_set("PlayStation; PlayStation 5/6.00")),
)  # fmt: skip
"""All of them. Which ones judge is said where a model is fitted (`Makefile`)."""


def called(kind: Kind) -> str:
    """The name of clients that come as this browser."""
    return f"as-{kind.name}"


def engine_of(agent: str) -> tuple[str, int]:
    """The engine that a User-Agent claims, and its major version; empty for what is no browser's."""
    if not agent.startswith("Mozilla/5.0 (") or "compatible;" in agent:
        return "", 0
    found = _CHROME.search(agent)
    if found is not None:
        return ("", 0) if "Headless" in agent else ("chromium", int(found[1]))
    found = _FIREFOX.search(agent)
    if found is not None:
        return "firefox", int(found[2])
    return ("safari", 0) if "AppleWebKit/605" in agent else ("", 0)


def dressed(one: Labelled, kind: Kind, version: int, seed: str) -> Labelled:
    """One request as the other browser would have made it; spelling and order of the names stay."""
    spelled = {name.lower(): name for name, _ in one.headers}
    headers: Headers = {}
    for name, value in one.headers:
        headers.setdefault(name.lower(), value)
    if "user-agent" not in headers:
        return one
    kind.dress(headers, version, random.Random(seed))  # noqa: S311 - the same each time is what is wanted
    lower = all(name == name.lower() for name in spelled.values())
    made = tuple((spelled.get(name, name if lower else name.title()), value) for name, value in headers.items())
    ja4 = one.ja4
    if kind.name == "chrome-old" and _CHROMIUM_TLS in ja4:
        ja4 = _OLDER_CHROMIUM_TLS if "h2_" in ja4 else _OLDER_CHROMIUM_TLS.replace("h2_", "h1_")
    return one._replace(headers=made, ja4=ja4)


def kindred(requests: Iterable[Labelled], seed: int, kinds: Sequence[Kind] = KINDS) -> Iterator[Labelled]:
    """Every visit that claims to be a browser, as another one of its engine; others are left out.

    Visits and clients get names of their own: the session ends with "~", the client is `as-…`.
    """
    drawn: dict[str, tuple[Kind, int] | None] = {}
    choose = random.Random(seed)  # noqa: S311 - the same each time is what is wanted
    for one in requests:
        if one.session not in drawn:
            drawn[one.session] = _drawn(one, choose, kinds)
        chosen = drawn[one.session]
        if chosen is not None:
            kind, version = chosen
            made = dressed(one, kind, version, f"{seed} {one.session}")
            yield made._replace(session=f"{one.session}~", client=called(kind))


def _drawn(one: Labelled, choose: random.Random, kinds: Sequence[Kind]) -> tuple[Kind, int] | None:
    agent = one.header("user-agent")
    engine, version = engine_of(agent)
    able = [kind for kind in kinds if kind.engine == engine and kind.least <= (version or 100) <= kind.most]
    return (choose.choice(able), version) if able else None
