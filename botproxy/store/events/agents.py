"""Browser, system and device that a User-Agent names, in the words of the original's analytics. Only a claim."""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

_LONGEST: Final = 512

# In the order in which they are asked: nearly all of them name Chrome and Safari too.
_BROWSERS: Final = (
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "SamsungBrowser"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "ChromeHeadless"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Trident/", "InternetExplorer"),
    ("curl/", "Curl"),
    ("Wget/", "Wget"),
    ("python", "Python"),
    ("Go-http-client/", "GoHttpClient"),
    ("okhttp/", "OkHttp"),
)
_SYSTEMS: Final = (
    ("Windows NT", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("iPod", "iOS"),
    ("Macintosh", "MacOSX"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
    ("X11", "Linux"),
)


class Agent(NamedTuple):
    """What a User-Agent names; "Unknown" where it names nothing that is known."""

    browser: str
    system: str
    device: str


@lru_cache(maxsize=8192)
def agent(text: str) -> Agent:
    """What this User-Agent names."""
    text = text[:_LONGEST]
    browser = next((name for token, name in _BROWSERS if token in text), "Unknown")
    if browser == "Chrome" and "Android" in text and "Mobile" in text:
        browser = "ChromeMobile"
    elif browser == "Safari" and "Mobile" in text:
        browser = "MobileSafari"
    system = next((name for token, name in _SYSTEMS if token in text), "Unknown")
    if "iPad" in text or (system == "Android" and "Mobile" not in text):
        device = "tablet"
    elif "Mobile" in text or "iPhone" in text or "iPod" in text:
        device = "mobile"
    else:
        device = "desktop"
    return Agent(browser, system, device)
