"""What is measured: nginx, nginx with ModSecurity and the OWASP rules, aiohttp, botproxy; and the origin behind them.

Nothing here needs root, and no configuration of the system is read but ModSecurity's rules, which Debian ships.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import Running, free_port

BODIES = {"/100b": 100, "/50kb": 50 * 1024, "/1mb": 1024**2}
BOTPROXY = Path(sys.executable).parent / "botproxy"
COMPILED = Path(__file__).resolve().parent.parent / ".venv-compiled" / "bin" / "botproxy"
_CRS = Path("/usr/share/modsecurity-crs/rules")


class Bench:
    """One run: its folder, its cores, its certificate and its origin's port."""

    def __init__(self, folder: Path, proxy_core: int, load_core: int, certificate: Path, key: Path) -> None:
        self.folder = folder
        self.proxy_core = proxy_core
        self.load_core = load_core
        self.certificate = certificate
        self.key = key
        self.origin_port = 0

    def origin(self) -> Running:
        """nginx with the bodies, on the load generator's core."""
        site = self.folder / "site"
        site.mkdir()
        for path, length in BODIES.items():
            (site / path[1:]).write_bytes(b"x" * length)
        self.origin_port = free_port()
        server = f"server {{ listen 127.0.0.1:{self.origin_port}; root {site}; default_type text/plain; }}"
        return self._nginx("origin", self.origin_port, server, {self.load_core}, http="open_file_cache max=16;")

    def nginx(self, *, tls: bool = False) -> Running:
        """A plain proxy with kept-alive connections to the origin, no access log: as fast as it gets."""
        port = free_port()
        return self._nginx("plain", port, self._proxying(port, tls), {self.proxy_core})

    def modsecurity(self) -> Running:
        """The same with ModSecurity and the OWASP rules, nothing written to an audit log."""
        port = free_port()
        rules = self.folder / "modsecurity.conf"
        setup = Path("/etc/modsecurity/crs/crs-setup.conf")
        rules.write_text(
            "SecRuleEngine On\nSecRequestBodyAccess On\nSecResponseBodyAccess Off\nSecAuditEngine Off\n"
            + (f"Include {setup}\n" if setup.exists() else "")
            + 'SecAction "id:900990,phase:1,nolog,pass,t:none,setvar:tx.crs_setup_version=330"\n' * (not setup.exists())
            + f"Include {_CRS}/*.conf\n"
        )
        server = self._proxying(port, False, f"modsecurity on; modsecurity_rules_file {rules};")
        return self._nginx("modsecurity", port, server, {self.proxy_core}, modules=["ngx_http_modsecurity_module.so"])

    def aiohttp(self) -> Running:
        port = free_port()
        script = Path(__file__).with_name("aiohttp_proxy.py")
        command = [sys.executable, str(script), str(port), str(self.origin_port)]
        return Running(command, port, {self.proxy_core}, self.folder)

    def botproxy(
        self,
        *,
        rules: int = 1,
        workers: int = 1,
        tls: bool = False,
        events: bool = True,
        store: str = "duckdb",
        cores: Sequence[int] = (),
        mode: str = "enforce",
        extra: str = "",
        zone: str = "",
        program: Path = BOTPROXY,
    ) -> Running:
        """With `rules` rules of which none matches a browser; supervisor and workers share the core.

        `extra` is more of the configuration, as YAML, and `zone` one more key of the site, on one line.
        """
        port, admin = free_port(), free_port()
        name = f"botproxy-{port}"
        security = f"\n    tls: {{certificate: {self.certificate}, key: {self.key}}}" if tls else ""
        text = (
            f"{extra}\nmode: {mode}\ndata: {self.folder / name}\nsecret_file: auto\nworkers: {workers}\n"
            f"listeners:\n  - address: 127.0.0.1:{port}{security}\n"
            f"admin: {{listen: '127.0.0.1:{admin}'}}\nevents: {{enabled: {str(events).lower()}, store: {store}}}\n"
            "unknown_host: bench\nzones:\n  - name: bench\n"
            f"    origins: ['http://127.0.0.1:{self.origin_port}']\n    rules:\n"
            + "".join(
                f"      - {{ref: r{number}, action: {action}, expression: '{expression}'}}\n"
                for number, (action, expression) in enumerate(rule_texts(rules))
            )
            + (f"    {zone}\n" if zone else "")
        )
        file = self.folder / f"{name}.yaml"
        file.write_text(text)
        pinned = set(cores) or {self.proxy_core}
        return Running([str(program), "serve", "--config", str(file)], port, pinned, self.folder)

    def _proxying(self, port: int, tls: bool, extra: str = "") -> str:
        listen = f"listen 127.0.0.1:{port}" + (" ssl" if tls else "")
        keys = f"ssl_certificate {self.certificate}; ssl_certificate_key {self.key};" if tls else ""
        return (
            f"upstream origin {{ server 127.0.0.1:{self.origin_port}; keepalive 256; }}\n"
            f"server {{ {listen}; {keys} {extra}\n location / {{ proxy_pass http://origin; proxy_http_version 1.1;"
            ' proxy_set_header Connection ""; proxy_set_header Host $http_host; } }'
        )

    def _nginx(
        self, name: str, port: int, server: str, pinned: set[int], *, http: str = "", modules: Sequence[str] = ()
    ) -> Running:
        place = self.folder / f"nginx-{name}-{port}"
        place.mkdir()
        temporary = "".join(
            f"{kind}_temp_path {place}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        loads = "".join(f"load_module {module_folder()}/{module};\n" for module in modules)
        file = place / "nginx.conf"
        file.write_text(
            # Root's workers would become another user, to whom the folder of this run is closed.
            f"{loads}{'user root;' if os.geteuid() == 0 else ''}\ndaemon off; worker_processes 1; "
            f"pid {place}/pid; error_log stderr crit;\n"
            "events { worker_connections 4096; }\n"
            "http { access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; "
            f"{temporary}\n{http}\n{server}\n}}\n"
        )
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        return Running([program, "-p", str(place), "-e", "stderr", "-c", str(file)], port, pinned, self.folder)


def module_folder() -> Path:
    """Where this nginx looks for modules."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    said = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stderr
    found = re.search(r"--modules-path=(\S+)", said)
    return Path(found[1]) if found else Path("/usr/lib/nginx/modules")


def rule_texts(number: int) -> list[tuple[str, str]]:
    """(action, expression) of a mix that people write: paths, addresses, countries, user agents, scores."""
    mix = (
        'http.request.uri.path contains "/admin-{0}" and cf.bot_management.score lt 30',
        "ip.src in {{10.{1}.{2}.0/24 192.0.2.{2}}}",
        'http.user_agent contains "scanner-{0}"',
        'http.request.uri.path eq "/wp-login-{0}.php" and http.request.method eq "POST"',
        'http.host eq "shop-{0}.example.com" and cf.bot_management.score lt 10',
        'starts_with(http.request.uri.path, "/internal/{0}/") and not cf.bot_management.verified_bot',
        'http.referer contains "spam-{0}.example" or http.request.uri.query contains "utm_spam={0}"',
        'any(http.request.headers["x-probe"][*] eq "p{0}")',
    )
    first = ("js_challenge", "cf.bot_management.score eq 1 and not cf.bot_management.verified_bot")
    made = [mix[index % len(mix)].format(index, index // 250 % 250, index % 250) for index in range(number - 1)]
    return [first, *(("block", expression) for expression in made)]
