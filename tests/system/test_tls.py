"""TLS as a user sets it up: certificates of zones, fingerprints in events and rules, metrics."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.system.conftest import Start, until


def curl(program: str, authority: Path, port: int, host: str, *options: str) -> tuple[int, str]:
    """Status and body."""
    where = ["--cacert", str(authority), "--resolve", f"{host}:{port}:127.0.0.1"]
    command = [
        program,
        "-sS",
        "--max-time",
        "15",
        "-w",
        "\n%{http_code}",
        *where,
        *options,
        f"https://{host}:{port}/robots.txt",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def zone(name: str, origin: str, certificate: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "hosts": [f"{name}.example.test"], "origins": [origin], "certificates": [certificate], **more}


def issue(certificates: Any, place: Path, *names: str) -> dict[str, str]:
    leaf = certificates.authority.issue_cert(*names)
    leaf.cert_chain_pems[0].write_to_path(place / f"{names[0]}.pem")
    leaf.private_key_pem.write_to_path(place / f"{names[0]}.key")
    (place / f"{names[0]}.key").chmod(0o600)
    return {"certificate": str(place / f"{names[0]}.pem"), "key": str(place / f"{names[0]}.key")}


def test_zones_have_certificates_of_their_own_and_events_have_fingerprints(
    start: Start, demo_origin: str, certificates: Any, part: Any, tmp_path: Path, free_port: Any
) -> None:
    secure = free_port()
    one, two = (issue(certificates, tmp_path, f"{name}.example.test") for name in ("one", "two"))
    blocked = {"ref": "old", "expression": 'starts_with(cf.bot_management.ja4, "t12")', "action": "block"}
    plain = free_port()
    proxy = start(
        config={
            "mode": "enforce",
            "listeners": [{"address": f"127.0.0.1:{plain}"}, {"address": f"127.0.0.1:{secure}", "tls": {}}],
            "zones": [zone("one", demo_origin, one), zone("two", demo_origin, two, rules=[blocked])],
        },
        port=plain,
    )
    program, authority = part("curl"), certificates.authority_file
    for name in ("one", "two"):
        assert curl(program, authority, secure, f"{name}.example.test")[0] == 200
    event = proxy.event(ClientRequestHost="one.example.test")
    assert event["ClientSSLProtocol"] == "TLSv1.3"
    assert event["JA4"].startswith("t13d")
    assert len(event["JA3Hash"]) == 32
    assert event["ClientRequestScheme"] == "https"
    assert curl(program, authority, secure, "two.example.test", "--tls-max", "1.2")[0] == 403
    assert curl(program, authority, secure, "one.example.test", "--tls-max", "1.2")[0] == 200

    def finished() -> bool:
        with urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
            return 'botproxy_handshakes_total{ending="finished"} 4.0' in answer.read().decode()

    until(finished, 10, "four finished handshakes in the metrics")


def test_a_renewed_certificate_is_served_without_a_reload(
    start: Start, demo_origin: str, certificates: Any, part: Any, tmp_path: Path, free_port: Any
) -> None:
    secure, plain = free_port(), free_port()
    pair = issue(certificates, tmp_path, "one.example.test")
    proxy = start(
        config={
            "listeners": [{"address": f"127.0.0.1:{plain}"}, {"address": f"127.0.0.1:{secure}", "tls": pair}],
            "zones": [{**zone("one", demo_origin, pair), "hosts": ["one.example.test", "new.example.test"]}],
        },
        workers=2,
        port=plain,
    )
    leaf = certificates.authority.issue_cert("one.example.test", "new.example.test")
    leaf.private_key_pem.write_to_path(pair["key"])
    leaf.cert_chain_pems[0].write_to_path(pair["certificate"])

    def renewed() -> bool:
        with urlopen(f"{proxy.admin}/metrics", timeout=5) as answer:
            return "botproxy_certificates_renewed_total 2.0" in answer.read().decode()

    until(renewed, 30, "the new certificate in both workers")
    program, authority = part("curl"), certificates.authority_file
    assert curl(program, authority, secure, "new.example.test")[0] == 200
    with urlopen(f"{proxy.admin}/healthz", timeout=5) as answer:
        assert json.loads(answer.read())["generation"] == 1


def test_visitors_of_plain_http_are_sent_to_https(
    start: Start, demo_origin: str, certificates: Any, part: Any, tmp_path: Path, free_port: Any
) -> None:
    secure, plain = free_port(), free_port()
    pair = issue(certificates, tmp_path, "one.example.test")
    listeners = [{"address": f"127.0.0.1:{plain}"}, {"address": f"127.0.0.1:{secure}", "tls": {}}]
    site = zone("one", demo_origin, pair, https={"redirect": True, "port": secure})
    proxy = start(config={"listeners": listeners, "zones": [site]}, port=plain)
    where = ["--cacert", str(certificates.authority_file)]
    for port in (plain, secure):
        where += ["--resolve", f"one.example.test:{port}:127.0.0.1"]
    asked = f"http://one.example.test:{plain}/robots.txt?a=b"
    command = [
        part("curl"),
        "-sS",
        "-L",
        "-o",
        str(tmp_path / "body"),
        "-w",
        "%{http_code} %{url_effective}",
        *where,
        asked,
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == f"200 https://one.example.test:{secure}/robots.txt?a=b"
    assert proxy.event(EdgeResponseStatus=301)["ClientRequestScheme"] == "http"
    assert proxy.event(EdgeResponseStatus=200)["ClientRequestScheme"] == "https"
    own = subprocess.run(
        [*command[:4], "/dev/null", "-w", "%{http_code}", *where, f"http://one.example.test:{plain}/cdn-cgi/x"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert own.stdout == "404"
