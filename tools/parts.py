"""The real programs that tests drive: what they are called, and which Debian package brings each.

`tools/parts.py install` installs what is missing where it may (as root, with apt-get) and says what stays missing;
`tools/parts.py list` only says so. Tests ask for a part by name through the fixture `part` and are skipped without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple


class Part(NamedTuple):
    """A program or file that is not a Python package."""

    package: str  # Debian's
    places: tuple[str, ...]  # names on the path, or absolute paths; the first that exists is it


PARTS = {
    "certutil": Part("libnss3-tools", ("certutil",)),
    "chromium": Part("chromium", ("chromium", "chromium-browser", "google-chrome")),
    "chromedriver": Part("chromium-driver", ("chromedriver",)),
    "clickhouse": Part("clickhouse-server", ("clickhouse-server", "/usr/sbin/clickhouse-server")),
    "curl": Part("curl", ("curl",)),
    "dbus": Part("dbus-daemon", ("dbus-run-session",)),
    "dnsmasq": Part("dnsmasq-base", ("dnsmasq", "/usr/sbin/dnsmasq")),
    "epiphany": Part("epiphany-browser", ("epiphany-browser", "epiphany")),
    "minibrowser": Part(
        "libwebkit2gtk-4.1-0",
        (
            "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
            "/usr/lib/aarch64-linux-gnu/webkit2gtk-4.1/MiniBrowser",
        ),
    ),
    "firefox": Part("firefox-esr", ("firefox-esr", "firefox")),
    "h2load": Part("nghttp2-client", ("h2load",)),
    "haproxy": Part("haproxy", ("haproxy", "/usr/sbin/haproxy")),
    "nginx": Part("nginx", ("nginx", "/usr/sbin/nginx")),
    "node": Part("nodejs", ("node",)),
    "openssl": Part("openssl", ("openssl",)),
    "ripgrep": Part("ripgrep", ("rg",)),
    "redis": Part("redis-server", ("redis-server", "valkey-server")),
    "wrk": Part("wrk", ("wrk",)),
    "xdotool": Part("xdotool", ("xdotool",)),
    "xvfb": Part("xvfb", ("Xvfb",)),
}
BENCHMARK_PARTS = {
    "modsecurity": Part(
        "libnginx-mod-http-modsecurity", ("/usr/share/nginx/modules-available/mod-http-modsecurity.conf",)
    ),
    "owasp-crs": Part("modsecurity-crs", ("/usr/share/modsecurity-crs/rules",)),
    "nginx": PARTS["nginx"],
    "wrk": PARTS["wrk"],
}
IMAGE_PARTS = {
    "buildah": Part("buildah", ("buildah",)),
    "cc": Part("gcc", ("cc", "gcc")),
    "curl": PARTS["curl"],
    "debootstrap": Part("debootstrap", ("debootstrap", "/usr/sbin/debootstrap")),
}


def find(name: str) -> Path | None:
    """Where the part is on this machine, or None."""
    for place in (PARTS | BENCHMARK_PARTS | IMAGE_PARTS)[name].places:
        found = shutil.which(place)
        if found is None and place.startswith("/") and Path(place).exists():
            found = place
        if found is not None:
            return Path(found)
    return None


def missing(parts: dict[str, Part]) -> list[str]:
    return [name for name in parts if find(name) is None]


def install(parts: dict[str, Part]) -> None:
    """Ask apt-get for what is missing, where this user may; never fail, for tests skip by name."""
    wanted = [parts[name].package for name in missing(parts)]
    if not wanted or os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    print("installing for the tests: " + ", ".join(wanted), flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"]
    quiet = subprocess.DEVNULL
    subprocess.run([*apt, "update"], env=environment, stdout=quiet, check=False)
    one_go = [*apt, "install", "-y", "--no-install-recommends"]
    if subprocess.run([*one_go, *wanted], env=environment, stdout=quiet, check=False).returncode != 0:
        for package in wanted:  # one unknown package must not keep the others away
            subprocess.run([*one_go, package], env=environment, stdout=quiet, check=False)


def report(parts: dict[str, Part]) -> None:
    absent = missing(parts)
    if absent:
        print(f"not on this machine, so tests that need them are skipped: {len(absent)} ({', '.join(absent)})")


def main(words: list[str]) -> int:
    groups = {"tests": PARTS, "bench": BENCHMARK_PARTS, "image": IMAGE_PARTS}
    command = words[0] if words else ""
    group = words[1] if len(words) > 1 else "tests"
    if command not in ("install", "list") or group not in groups:
        sys.exit("usage: tools/parts.py install|list [tests|bench|image]")
    if command == "install":
        install(groups[group])
    report(groups[group])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
