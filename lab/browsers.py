"""Real browsers on a virtual screen, and the same ones driven by automation.

The site's start page makes a browser do most of what a browser does; what needs a person's hand (reload, address
bar, a click, going back) is done with xdotool, whose events are trusted like a person's.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.commands import TEXT_BROWSERS, Program
from lab.programs import run_program
from lab.recorder import OTHER, SITE, Recorder

Drive = Callable[[Recorder, Path], None]

CHROMIUM_OPTIONS = (
    "--no-sandbox", "--no-first-run", "--no-default-browser-check", "--disable-gpu", "--password-store=basic",
    "--disable-component-update", "--disable-background-networking", "--host-resolver-rules=MAP *.test 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required", "--disable-popup-blocking",
)  # fmt: skip
FIREFOX_PREFERENCES = {
    "network.dns.localDomains": f"{SITE},{OTHER}", "browser.shell.checkDefaultBrowser": False,
    "browser.aboutwelcome.enabled": False, "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False, "app.update.enabled": False,
    "dom.disable_open_during_load": False, "media.autoplay.default": 0, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "browser.safebrowsing.downloads.remote.enabled": False,
    "termsofuse.acceptedVersion": 999, "termsofuse.acceptedDate": "1900000000000",
    "termsofuse.bypassNotification": True,
    "browser.preonboarding.enabled": False, "browser.sessionstore.resume_from_crash": False,
    "browser.download.folderList": 1, "browser.download.useDownloadDir": True,
}  # fmt: skip


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """A virtual screen; gives the environment for programs that shall appear on it."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
        pass_fds=(writing,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as number:
            display = number.readline().strip()
        if not display:
            raise RuntimeError("Xvfb did not start")
        yield {**os.environ, "DISPLAY": f":{display}", "LIBGL_ALWAYS_SOFTWARE": "1", "GDK_BACKEND": "x11"}
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def running(argv: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A program with all its children, killed at the end."""
    process = subprocess.Popen(
        argv, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        for kind in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, kind)
                process.wait(4)
            except (subprocess.TimeoutExpired, ProcessLookupError):
                continue


def until_seen(recorder: Recorder, path: str, since: int, seconds: float = 30) -> bool:
    """Wait until a request for a path came after the first `since` ones."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(one.target.startswith(path) for one in recorder.seen[since:]):
            return True
        time.sleep(0.1)
    return False


def by_hand(recorder: Recorder, environment: dict[str, str], base: str) -> None:
    """What a person does once the tour is over."""

    def press(*keys: str) -> None:
        subprocess.run(["xdotool", "key", "--delay", "80", *keys], env=environment, check=False)

    for keys in (("F5",), ("ctrl+shift+r",)):
        since = len(recorder.seen)
        press(*keys)
        if not until_seen(recorder, "/tour", since, 4) or not until_seen(recorder, "/toured", since, 20):
            print(f"  {recorder.client}: {keys} did not reload")
    since = len(recorder.seen)
    press("ctrl+l")
    subprocess.run(["xdotool", "type", "--delay", "15", base + "/linked"], env=environment, check=False)
    press("Return")
    until_seen(recorder, "/linked-done", since, 6)
    since = len(recorder.seen)
    press("Tab", "Return")
    if until_seen(recorder, "/tour", since, 4):
        until_seen(recorder, "/toured", since, 20)
    since = len(recorder.seen)
    press("alt+Left")
    until_seen(recorder, "/linked-done", since, 4)


def visit(recorder: Recorder, argv: Callable[[str, Path], Sequence[str]], out: Path, hand: bool = True) -> None:
    """Take a browser through the tour over both schemes. `argv` gets the address and a directory for its profile."""
    for scheme in ("https", "http"):
        with screen() as environment:
            profile = out / f"profile-{recorder.client}-{scheme}"
            profile.mkdir(parents=True)
            environment |= {"HOME": str(profile), "XDG_DOWNLOAD_DIR": str(profile)}
            base = recorder.url(scheme)
            since = len(recorder.seen)
            with running(argv(base + "/tour?hints", profile), environment):
                toured = until_seen(recorder, "/toured", since)
                if not toured:
                    print(f"  {recorder.client}: the {scheme} tour did not finish")
                if hand:
                    by_hand(recorder, environment, base)


def chromium_options(recorder: Recorder, profile: Path) -> tuple[str, ...]:
    """What makes Chromium run here without changing a header."""
    return (
        *CHROMIUM_OPTIONS, f"--user-data-dir={profile}",
        f"--ignore-certificate-errors-spki-list={recorder.key_hash()}",
    )  # fmt: skip


def chromium(*more: str) -> Drive:
    def drive(recorder: Recorder, out: Path) -> None:
        visit(recorder, lambda url, profile: ("chromium", *chromium_options(recorder, profile), *more, url), out)

    return drive


def chromium_headless(recorder: Recorder, out: Path) -> None:
    visit(
        recorder, lambda url, profile: ("chromium", *chromium_options(recorder, profile), "--headless=new", url), out,
        hand=False,
    )  # fmt: skip


def firefox_profile(recorder: Recorder, profile: Path) -> None:
    """A profile that trusts the recorder and does not talk to anybody else."""
    lines = []
    for name, value in FIREFOX_PREFERENCES.items():
        text = f'"{value}"' if isinstance(value, str) else str(value).lower()
        lines.append(f'user_pref("{name}", {text});')
    (profile / "user.js").write_text("\n".join(lines))
    authority = recorder.save_authority(profile / "authority.pem")
    for arguments in (("-N", "--empty-password"), ("-A", "-n", "lab", "-t", "C,,", "-i", str(authority))):
        subprocess.run(["certutil", *arguments, "-d", f"sql:{profile}"], check=True, capture_output=True)


def firefox(*more: str) -> Drive:
    def drive(recorder: Recorder, out: Path) -> None:
        def argv(url: str, profile: Path) -> Sequence[str]:
            firefox_profile(recorder, profile)
            return ("firefox-esr", "--no-remote", "--profile", str(profile), *more, url)

        visit(recorder, argv, out, hand="--headless" not in more)

    return drive


def trusting(recorder: Recorder, out: Path, argv: Sequence[str]) -> Sequence[str]:
    """A command line in a mount namespace of its own, where the system trusts the recorder's authority."""
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    mixed = out / "authorities.crt"
    mixed.write_text(recorder.save_authority(out / "authority.pem").read_text() + Path(bundle).read_text())
    return (
        "unshare", "-m", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec dbus-run-session -- "$@"',
        str(mixed), bundle, *argv,
    )  # fmt: skip


def webkit(*program: str) -> Drive:
    def drive(recorder: Recorder, out: Path) -> None:
        found = shutil.which(program[0])
        if found is None:
            print(f"  {recorder.client}: {program[0]} is not installed")
            return
        visit(recorder, lambda url, _: trusting(recorder, out, (found, *program[1:], url)), out)

    return drive


def mini_browser(recorder: Recorder, out: Path) -> None:
    found = sorted(Path("/usr/lib").glob("*/webkit2gtk-4.*/MiniBrowser"))
    if not found:
        print("  MiniBrowser is not installed")
        return
    visit(recorder, lambda url, _: trusting(recorder, out, (str(found[0]), url)), out)


def plain(*program: str) -> Drive:
    """A browser that cannot run the tour's script: it is given time to load the page, then closed."""

    def drive(recorder: Recorder, out: Path) -> None:
        if shutil.which(program[0]) is None:
            print(f"  {recorder.client}: {program[0]} is not installed")
            return
        for scheme in ("https", "http"):
            with screen() as environment:
                since = len(recorder.seen)
                argv = trusting(recorder, out, (*program, recorder.url(scheme) + "/linked"))
                with running(argv, {**environment, "HOME": str(out)}):
                    until_seen(recorder, "/linked", since, 10)
                    time.sleep(3)

    return drive


def text(program: Program) -> Drive:
    def drive(recorder: Recorder, out: Path) -> None:
        run_program(recorder, program, "python3", out)

    return drive


BROWSERS: dict[str, Drive] = {
    "chromium": chromium(),
    "chromium-incognito": chromium("--incognito"),
    "chromium-german": chromium("--lang=de-DE", "--accept-lang=de-DE,de,en"),
    "firefox": firefox(),
    "firefox-private": firefox("-private-window"),
    "epiphany": webkit("epiphany"),
    "epiphany-private": webkit("epiphany", "--incognito-mode"),
    "surf": webkit("surf"),
    "minibrowser": mini_browser,
    "falkon": webkit("falkon", "--no-sandbox"),
    "qutebrowser": webkit("qutebrowser", "--temp-basedir", "--qt-flag", "no-sandbox"),
    "dillo": plain("dillo"),
    "netsurf": plain("netsurf-gtk3"),
    **{program.name: text(program) for program in TEXT_BROWSERS},
}


def selenium(recorder: Recorder, out: Path) -> None:
    from selenium import webdriver

    for scheme in ("https", "http"):
        for headless in (True, False):
            options = webdriver.ChromeOptions()
            options.binary_location = shutil.which("chromium") or ""
            for option in chromium_options(recorder, out / f"selenium-{scheme}-{headless}"):
                options.add_argument(option)
            if headless:
                options.add_argument("--headless=new")
            recorder.client = "selenium-headless" if headless else "selenium-headed"
            with screen() as environment:
                service = webdriver.ChromeService(shutil.which("chromedriver"), env=environment)
                driver = webdriver.Chrome(options, service)
                since = len(recorder.seen)
                driver.get(recorder.url(scheme) + "/tour?hints")
                until_seen(recorder, "/toured", since)
                driver.get(recorder.url(scheme) + "/linked")
                driver.quit()


def playwright(recorder: Recorder, out: Path) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        for scheme in ("https", "http"):
            for arguments in ((), ("--headless=new",)):
                browser = tool.chromium.launch(
                    executable_path=shutil.which("chromium"), args=[*CHROMIUM_OPTIONS, *arguments]
                )
                page = browser.new_page(ignore_https_errors=True)
                since = len(recorder.seen)
                page.goto(recorder.url(scheme) + "/tour?hints")
                until_seen(recorder, "/toured", since)
                page.goto(recorder.url(scheme) + "/linked")
                page.request.get(recorder.url(scheme) + "/api-request")
                browser.close()


def puppeteer(script: str) -> Drive:
    def drive(recorder: Recorder, out: Path) -> None:
        here = Path(__file__).resolve().parent
        for scheme in ("https", "http"):
            for mode in ("true", "shell", "stealth") if script == "all" else (script,):
                subprocess.run(
                    ["node", str(here / "clients" / "puppeteer.cjs"), mode, recorder.url(scheme), *CHROMIUM_OPTIONS],
                    check=False, timeout=90, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )  # fmt: skip

    return drive


AUTOMATION: dict[str, Drive] = {
    "chromium-headless": chromium_headless,
    "firefox-headless": firefox("--headless"),
    "selenium": selenium,
    "playwright": playwright,
    "puppeteer": puppeteer("true"),
    "puppeteer-stealth": puppeteer("stealth"),
}
