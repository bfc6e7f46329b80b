"""Browsers on a virtual screen, driven as people drive them: they read, click, go back, open tabs, type, and wait.

Clicks and keys go in through the browser's own input (DevTools of Chromium, Marionette of Firefox), so that pages and
headers are those of a person's visit. Waiting is shortened, and put back into the record.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.browsers import chromium_options, firefox_profile, running, screen, trusting
from lab.programs import HERE
from lab.recorder import SITE
from lab.tap import Tap
from lab.visits import Visit

if TYPE_CHECKING:
    from lab.traffic import Laboratory

VISITS = 10
"""Of each start of a browser."""

NOBODY = "198.18.0.0"
"""An address of no visit: what comes from it is not kept."""

SLEPT = 0.12
"""Seconds of a pause that are really waited."""


class Variant(NamedTuple):
    """One way in which people have their browser."""

    client: str
    options: tuple[str, ...] = ()
    preferences: tuple[tuple[str, Any], ...] = ()
    system: str = ""  # that the browser says it runs on, in its User-Agent and in all client hints


CHROMIUM = (
    Variant("chromium"),
    Variant("chromium-german", ("--lang=de-DE", "--accept-lang=de-DE,de,en-US,en", "--window-size=1600,860")),
    Variant("chromium-incognito", ("--incognito", "--window-size=1024,700")),
    Variant("chromium-japanese", ("--lang=ja", "--accept-lang=ja,en-US,en", "--start-maximized")),
    Variant("chromium-small", ("--window-size=420,860", "--accept-lang=fr-FR,fr,en")),
    Variant("chromium-dark", ("--force-dark-mode", "--accept-lang=pt-BR,pt,en", "--force-device-scale-factor=2")),
    Variant("chromium-as-windows", ("--window-size=1900,1000",), system="Windows"),
    Variant("chromium-as-mac", ("--window-size=1440,860",), system="macOS"),
    Variant("chromium-as-android", ("--window-size=420,900",), system="Android"),
)
FIREFOX = (
    Variant("firefox"),
    Variant("firefox-german", (), (("intl.accept_languages", "de, en-US, en"),)),
    Variant("firefox-strict", (), (("browser.contentblocking.category", "strict"),
                                   ("privacy.globalprivacycontrol.enabled", True))),
    Variant("firefox-private", ("-private-window",), (("browser.privatebrowsing.autostart", True),)),
    Variant("firefox-no-tracking", (), (("privacy.donottrackheader.enabled", True),
                                        ("intl.accept_languages", "es, en"))),
    Variant("firefox-resist", (), (("privacy.resistFingerprinting", True),)),
    Variant("firefox-as-windows", (), (), "Windows NT 10.0; Win64; x64"),
    Variant("firefox-as-mac", (), (), "Macintosh; Intel Mac OS X 10.15"),
)  # fmt: skip
OTHERS = (
    ("webkit", "epiphany", ("epiphany",)), ("webkit", "epiphany-incognito", ("epiphany", "--incognito-mode")),
    ("webkit", "surf", ("surf",)), ("webkit", "minibrowser", ("MiniBrowser",)),
    ("qtwebengine", "falkon", ("falkon", "--no-sandbox")),
    ("qtwebengine", "qutebrowser", ("qutebrowser", "--temp-basedir", "--qt-flag", "no-sandbox")),
    ("dillo", "dillo", ("dillo",)), ("netsurf", "netsurf", ("netsurf",)),
)  # fmt: skip
"""Browsers that have no remote control: keys are pressed on their screen."""


class Trust:
    """What browsers need to trust the tap; in the shape in which `lab.browsers` asks its recorder for it."""

    client = "person"

    def __init__(self, tap: Tap) -> None:
        self._tap = tap

    def key_hash(self) -> str:
        """Base64 of SHA-256 over the public key of the site."""
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        certificate = x509.load_pem_x509_certificate(self._tap.certificate.cert_chain_pems[0].bytes())
        key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(key).digest()).decode()

    def save_authority(self, path: Path) -> Path:
        """The certificate of the authority."""
        path.write_bytes(self._tap.authority.cert_pem.bytes())
        return path


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with closing(socket.create_server(("127.0.0.1", 0))) as sock:
        port: int = sock.getsockname()[1]
    return port


def record(lab: Laboratory, rounds: int, only: set[str]) -> None:
    """So many times ten visits with each variant of each browser."""
    for number in range(rounds):
        for family, variants, drive in (("chromium", CHROMIUM, chromium), ("firefox", FIREFOX, firefox)):
            for variant in variants:
                if only and family not in only and variant.client not in only:
                    continue
                try:
                    drive(lab, variant, VISITS)
                except Exception as problem:
                    print(f"  {variant.client}: {problem!r}", flush=True)
            print(f"  {family}, round {number + 1}", flush=True)
        for family, client, program in OTHERS:
            for _ in range(VISITS // 2 if not only or family in only else 0):
                try:
                    came = pressed(lab, family, client, program)
                except Exception as problem:
                    print(f"  {client}: {problem!r}", flush=True)
                    break
                if not came:
                    print(f"  {client}: nothing came", flush=True)
                    break


def pressed(lab: Laboratory, family: str, client: str, program: tuple[str, ...]) -> bool:
    """One visit with a browser that is used by its keys; whether anything came of it."""
    beside = sorted(Path("/usr/lib").glob(f"*/webkit2gtk-4.*/{program[0]}"))
    found = str(beside[-1]) if beside else shutil.which(program[0])
    if found is None:
        print(f"  {client}: {program[0]} is not installed", flush=True)
        return False
    rng = random.Random(lab.rng.getrandbits(60))
    visit = lab.register.begin(True, family, client, "browsing")
    base, port = lab.base("https", visit)
    home = lab.out / f"{client}-{time.time_ns()}"
    home.mkdir()
    visit.version = lab.version(f"{found} --version", {})
    trust: Any = Trust(lab.tap)
    start = base + rng.choice(("/", "/shop", "/journal", "/club"))
    with screen() as environment:
        environment |= {"HOME": str(home), "QTWEBENGINE_DISABLE_SANDBOX": "1"}

        def press(*keys: str) -> None:
            subprocess.run(["xdotool", "key", "--delay", "60", *keys], env=environment, check=False)

        with running(trusting(trust, home, (found, *program[1:], start)), environment):
            end = time.monotonic() + 25
            while not visit.seen and time.monotonic() < end:
                time.sleep(0.2)
            time.sleep(1)
            for _ in range(rng.randint(2, 7) if visit.seen else 0):
                pause(visit, rng, 12)
                act = rng.choices(("link", "back", "reload", "scroll", "address"), (6, 2, 0.5, 2, 2))[0]
                if act == "link":
                    press(*["Tab"] * rng.randint(1, 12), "Return")
                elif act == "address":
                    press("ctrl+l")
                    path = rng.choice(("/about", "/shop?page=2", "/journal/winter-2", "/shop/kettle-1", "/club"))
                    subprocess.run(["xdotool", "type", "--delay", "10", base + path], env=environment, check=False)
                    press("Return")
                else:
                    press({"back": "alt+Left", "reload": "F5", "scroll": "space"}[act])
                time.sleep(0.8)
    lab.relay.close(port)
    return bool(visit.seen)


def begin(lab: Laboratory, family: str, client: str, number: int) -> list[tuple[Visit, str]]:
    """Visits of people, each with the address of the site for it."""
    found = []
    for _ in range(number):
        visit = lab.register.begin(True, family, client, "browsing")
        found.append((visit, lab.base("https", visit)[0]))
    return found


def chromium(lab: Laboratory, variant: Variant, number: int) -> None:
    """People with Chromium."""
    profile = lab.out / f"{variant.client}-{time.time_ns()}"
    profile.mkdir()
    port = free_port()
    trust: Any = Trust(lab.tap)
    visits = begin(lab, "chromium", variant.client, number)
    version = lab.version("chromium --version", {})
    with screen() as environment:
        argv = (
            "chromium", *chromium_options(trust, profile), f"--remote-debugging-port={port}", *variant.options,
            "about:blank",
        )  # fmt: skip
        with running(argv, {**environment, "HOME": str(profile)}):
            plan = {
                "port": port, "seed": lab.rng.randrange(1 << 40), "bases": [base for _, base in visits],
                "system": variant.system, "aside": f"https://{SITE}:{lab.relay.door('https', [NOBODY])}/about",
            }  # fmt: skip
            said = subprocess.run(
                [lab.python, str(HERE / "clients" / "person.py"), json.dumps(plan)],
                check=False, capture_output=True, text=True, timeout=60 + number * 40,
            )  # fmt: skip
    if said.returncode:
        print(f"  {variant.client}: {said.stderr[-400:]}", flush=True)
    for line in said.stdout.splitlines():
        which, wall, omitted = json.loads(line)
        visits[which][0].omitted.append((wall, omitted))
    for visit, _ in visits:
        visit.version = version


class Marionette:
    """Firefox's own remote control, as little of it as a person's hands need."""

    def __init__(self, port: int) -> None:
        end = time.monotonic() + 40
        while True:
            try:
                self._socket = socket.create_connection(("127.0.0.1", port), 30)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.3)
        self._rest = b""
        self._number = 0
        self._message()
        capabilities = {"acceptInsecureCerts": True, "pageLoadStrategy": "normal"}
        self.ask("WebDriver:NewSession", capabilities={"alwaysMatch": capabilities})

    def ask(self, command: str, /, **parameters: Any) -> Any:
        """The value of an answer. Raises RuntimeError for an error."""
        self._number += 1
        text = json.dumps([0, self._number, command, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(text), text))
        _, _, error, value = self._message()
        if error:
            raise RuntimeError(f"{command}: {error.get('message', '')[:200]}")
        return value

    def elements(self, selector: str) -> list[dict[str, str]]:
        """What matches a CSS selector."""
        return list(self.ask("WebDriver:FindElements", using="css selector", value=selector))

    def click(self, element: dict[str, str]) -> None:
        """Click it."""
        self.ask("WebDriver:ElementClick", id=next(iter(element.values())))

    def type(self, selector: str, text: str) -> None:
        """Type into the first that matches."""
        for element in self.elements(selector)[:1]:
            self.ask("WebDriver:ElementSendKeys", id=next(iter(element.values())), text=text)

    def close(self) -> None:
        """Let go of it."""
        self._socket.close()

    def _message(self) -> Any:
        while b":" not in self._rest:
            self._more()
        length, _, rest = self._rest.partition(b":")
        self._rest = rest
        while len(self._rest) < int(length):
            self._more()
        text, self._rest = self._rest[: int(length)], self._rest[int(length) :]
        return json.loads(text)

    def _more(self) -> None:
        piece = self._socket.recv(65536)
        if not piece:
            raise RuntimeError("Firefox has gone")
        self._rest += piece


def firefox(lab: Laboratory, variant: Variant, number: int) -> None:
    """People with Firefox."""
    profile = lab.out / f"{variant.client}-{time.time_ns()}"
    profile.mkdir()
    trust: Any = Trust(lab.tap)
    firefox_profile(trust, profile)
    port = free_port()
    with (profile / "user.js").open("a") as file:
        said = [("marionette.port", port), *variant.preferences]
        if variant.system:
            major = lab.version("firefox-esr --version", {}).partition(".")[0]
            agent = f"Mozilla/5.0 ({variant.system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"
            said.append(("general.useragent.override", agent))
        for name, value in said:
            file.write(f'\nuser_pref("{name}", {json.dumps(value)});')
    visits = begin(lab, "firefox", variant.client, number)
    version = lab.version("firefox-esr --version", {})
    with screen() as environment:
        argv = ("firefox-esr", "--marionette", "--no-remote", "--profile", str(profile), *variant.options)
        with running(argv, {**environment, "HOME": str(profile)}), closing(Marionette(port)) as hands:
            for visit, base in visits:
                visit.version = version
                with suppress(RuntimeError):
                    hands.ask("WebDriver:DeleteAllCookies")
                browse(hands, visit, base, random.Random(lab.rng.getrandbits(60)))


def pause(visit: Visit, rng: random.Random, mean: float) -> None:
    """A pause of about so many seconds, most of it left out."""
    seconds = min(rng.lognormvariate(0, 0.9) * mean, 900)
    time.sleep(min(seconds, SLEPT))
    visit.omitted.append((time.time(), max(0.0, seconds - SLEPT)))


def browse(hands: Marionette, visit: Visit, base: str, rng: random.Random) -> None:
    """One person's visit."""
    start = rng.choice(("/", "/", "/", "/shop", "/journal", "/shop/lantern-1", "/journal/storm-0", "/club", "/club"))
    hands.ask("WebDriver:Navigate", url=base + start)

    def link(selector: str) -> None:
        found = hands.elements(selector)
        if found:
            hands.click(rng.choice(found))

    def search() -> None:
        for letter in rng.choice(("lantern", "rope", "kett")):
            hands.type("#q", letter)
            pause(visit, rng, 0.2)
        hands.type("#q", "\ue007")

    def login() -> None:
        hands.ask("WebDriver:Navigate", url=base + "/login")
        for _ in range(rng.choice((1, 1, 1, 2))):
            pause(visit, rng, 6)
            hands.type("#user", "ann")
            hands.type("#password", rng.choice(("sea", "sea", "sae")))
            for button in hands.elements("#enter")[:1]:
                hands.click(button)

    def sign() -> None:
        hands.ask("WebDriver:Navigate", url=base + "/guestbook")
        pause(visit, rng, 25)
        hands.type("#name", "Ann")
        hands.type("#message", "The kettle is on.")
        link("#sign")

    def buy() -> None:
        link("#buy")
        pause(visit, rng, 8)
        if rng.random() < 0.5:
            link("#pay")

    def tab() -> None:
        before = hands.ask("WebDriver:GetWindowHandle")["value"]
        made = hands.ask("WebDriver:NewWindow", type="tab")
        hands.ask("WebDriver:SwitchToWindow", handle=made["handle"])
        hands.ask("WebDriver:Navigate", url=base + rng.choice(("/about", "/shop?page=2", "/journal/winter-2")))
        pause(visit, rng, 12)
        hands.ask("WebDriver:CloseWindow")
        hands.ask("WebDriver:SwitchToWindow", handle=before)

    acts: Sequence[tuple[Callable[[], Any], float]] = (
        (lambda: link("a.item"), 9), (lambda: link("nav a"), 4), (lambda: hands.ask("WebDriver:Back"), 3),
        (lambda: hands.ask("WebDriver:Refresh"), 0.7), (search, 1.5), (login, 0.8), (sign, 0.4), (buy, 1.2), (tab, 1),
        (lambda: hands.ask("WebDriver:Navigate", url=base + "/club"), 2),
    )  # fmt: skip
    for _ in range(rng.randint(2, 9)):
        pause(visit, rng, 12)
        act = rng.choices([each for each, _ in acts], [weight for _, weight in acts])[0]
        with suppress(RuntimeError):
            act()
    pause(visit, rng, 5)
