"""Every sign of automation that the script looks for, what it weighs, and why.

100 points convict, and only with one strong sign (60 or more) among them: weak ones never add up to a conviction, for
privacy browsers, extensions, virtual machines and developers show several of them at once. Signs of one family follow
from one cause, so a family counts for no more than its cap.
"""

from __future__ import annotations

from typing import Final, NamedTuple

FAMILY: Final = 0x4000000
"""Upper bits of the detection ids of JavaScript detections; the lower 24 bits are the number of the sign."""

CONVICTS: Final = 100
STRONG: Final = 60

CAPS: Final = {
    "driver": 1000,
    "console": 40,
    "screen": 75,
    "launch": 75,
    "input": 40,
    "headless": 45,
    "identity": 55,
    "tampering": 45,
    "renderer": 70,
    "work": 1000,
}
"""Points that the signs of a family count for together, at most."""


class Signal(NamedTuple):
    """One sign. `number` is what the script reports and never used anew."""

    number: int
    tag: str
    family: str
    weight: int
    reason: str


_TABLE: Final = (
    Signal(1, "webdriver", "driver", 100, "navigator.webdriver is true: a program drives this browser"),
    Signal(2, "webdriver", "driver", 100, "navigator.webdriver is true in a fresh frame, and hidden in the page"),
    Signal(3, "webdriver_hidden", "driver", 70, "navigator has a webdriver property of its own, as in no browser"),
    Signal(4, "webdriver_hidden", "driver", 70, "the getter of navigator.webdriver was replaced"),
    Signal(5, "webdriver_hidden", "driver", 50, "navigator.webdriver was taken away from a browser that has it"),
    Signal(6, "navigator_replaced", "tampering", 40, "window.navigator is not the browser's own"),
    Signal(10, "driver_globals", "driver", 100, "names that ChromeDriver, Selenium or Watir leave in the page"),
    Signal(11, "framework_globals", "driver", 100, "names that an automation framework leaves in the page"),
    Signal(12, "ambiguous_globals", "tampering", 5, "names that automation uses, and honest pages and wallets too"),
    Signal(13, "driver_attributes", "driver", 70, "attributes that a driver leaves at the document's root"),
    Signal(14, "dom_automation", "driver", 100, "Chromium's own automation controller is there"),
    Signal(15, "electron", "headless", 30, "Electron, an application's shell rather than a browser"),
    Signal(16, "phantomjs", "driver", 100, "PhantomJS or SlimerJS"),
    Signal(17, "sequentum", "driver", 100, "Sequentum"),
    Signal(20, "console_watched", "console", 40, "the console is listened to, by automation or open developer tools"),
    Signal(30, "headless_name", "driver", 100, "the browser calls itself headless"),
    Signal(31, "no_pointer", "headless", 25, "a desktop without mouse or touch"),
    Signal(32, "small_screen", "headless", 20, "a screen of 800 by 600, the default without a screen"),
    Signal(33, "no_scroll_bars", "headless", 25, "scroll bars are hidden where this system shows them"),
    Signal(34, "no_window", "headless", 30, "a focused window without a size"),
    Signal(35, "no_window_frame", "headless", 25, "the page is as large as the screen, and not in full screen"),
    Signal(36, "no_plugins", "headless", 15, "a desktop Chromium without any plug-in entry"),
    Signal(37, "no_languages", "headless", 30, "no language at all"),
    Signal(38, "no_chrome_object", "headless", 20, "Chrome without its window.chrome"),
    Signal(39, "notifications", "headless", 30, "notifications are refused and not asked for yet, both at once"),
    Signal(40, "window_beyond_screen", "screen", 15, "one screen, and a window much larger than it both ways"),
    Signal(41, "screen_made_up", "screen", 75, "a screen that only a debugger makes up, and no developer tools"),
    Signal(42, "firefox_without_screen", "screen", 75, "the screen that Firefox makes up without one, and no pointer"),
    Signal(43, "driven_window", "screen", 60, "a window much larger than the only screen, and a listened-to console"),
    Signal(44, "storage_shared", "launch", 60, "storage is not parted by site, which tools of automation ask for"),
    Signal(45, "no_pings", "launch", 32, "links send no pings; some privacy browsers and extensions want that too"),
    Signal(46, "activated_unseen", "input", 40, "the browser says that somebody acted on the page, and nobody did"),
    Signal(47, "history_unlimited", "launch", 60, "history takes all that is written, which drivers ask for"),
    Signal(50, "agent_differs", "identity", 30, "page and fresh frame name different browsers"),
    Signal(51, "agent_differs", "identity", 40, "page and worker name different browsers"),
    Signal(52, "platform_differs", "identity", 40, "page and worker name different platforms"),
    Signal(53, "platform_differs", "identity", 30, "page and fresh frame name different platforms"),
    Signal(54, "languages_differ", "identity", 20, "page and worker name different languages"),
    Signal(55, "cores_differ", "identity", 10, "page and worker count different cores"),
    Signal(56, "webdriver", "driver", 100, "navigator.webdriver is true in a worker, and hidden in the page"),
    Signal(57, "hints_differ", "identity", 25, "page and worker give different client hints"),
    Signal(58, "cores_differ", "identity", 5, "page and fresh frame count different cores"),
    Signal(59, "languages_differ", "identity", 10, "page and fresh frame name different languages"),
    Signal(60, "agent_header", "identity", 40, "the User-Agent header names another browser than the script does"),
    Signal(61, "platform_header", "identity", 35, "the client hint header names another platform than the script does"),
    Signal(62, "brands_header", "identity", 30, "the client hint header names other brands than the script does"),
    Signal(63, "language_header", "identity", 10, "Accept-Language prefers another language than the script does"),
    Signal(64, "engine_differs", "identity", 35, "the engine is not that of the browser it names"),
    Signal(65, "platform_unlike_agent", "identity", 30, "navigator.platform does not fit the User-Agent"),
    Signal(66, "hints_unlike_agent", "identity", 25, "no brand in the client hints has the version of the User-Agent"),
    Signal(67, "hints_unlike_agent", "identity", 25, "the platform in the client hints does not fit the User-Agent"),
    Signal(68, "product_sub", "identity", 25, "navigator.productSub is not that of the browser it names"),
    Signal(69, "mobile_header", "identity", 20, "the client hint header and the script disagree on being a phone"),
    Signal(70, "getters_replaced", "tampering", 25, "properties of navigator were replaced"),
    Signal(71, "print_replaced", "tampering", 25, "the function that prints functions was replaced"),
    Signal(72, "graphics_replaced", "tampering", 15, "what asks the graphics for its name was replaced"),
    Signal(73, "permissions_replaced", "tampering", 20, "what asks for permissions was replaced"),
    Signal(74, "plugins_made_up", "tampering", 30, "the lists of plug-ins are not the browser's own"),
    Signal(75, "frames_replaced", "tampering", 20, "what leads into frames was replaced"),
    Signal(76, "media_replaced", "tampering", 15, "what tells which media can be played was replaced"),
    Signal(77, "chrome_made_up", "tampering", 20, "a chrome.runtime where Chrome gives none"),
    Signal(78, "clock_replaced", "tampering", 15, "the clock was replaced"),
    Signal(90, "software_renderer", "renderer", 8, "graphics without a graphics card, as in virtual machines"),
    Signal(91, "stealth_renderer", "renderer", 70, "the renderer that stealth plug-ins make up"),
    Signal(92, "renderer_unlike_platform", "renderer", 40, "a renderer that this platform does not have"),
    Signal(93, "offscreen_renderer", "renderer", 60, "the renderer of old headless browsers"),
    Signal(120, "work_contradicted", "work", 100, "answers that no browser gives to its work: made up or copied"),
)  # fmt: skip

SIGNALS: Final = {signal.number: signal for signal in _TABLE}
CONTRADICTED: Final = 120


def markdown() -> str:
    """The table that stands in the documentation."""
    lines = ["| id | tag | family | points | reason |", "|---|---|---|---|---|"]
    lines += [
        f"| {FAMILY | signal.number} | `{signal.tag}` | {signal.family} | {signal.weight} | {signal.reason} |"
        for signal in _TABLE
    ]
    return "\n".join(lines) + "\n"
