"""`botproxy places`: looking into a database, and downloading one as its makers pack it."""

from __future__ import annotations

import gzip
import io
import ssl
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from botproxy.cli import main


@pytest.fixture
def database(tmp_path: Path) -> Path:
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Test-Country")
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"country": {"iso_code": "DE"}})
    writer.to_db_file(str(tmp_path / "made.mmdb"))
    return tmp_path / "made.mmdb"


@pytest.fixture
def served(certificates: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """Contents by path; `""` is where they are served."""
    contents: dict[str, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = contents.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate_file, certificates.key_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority_file))
    contents[""] = f"https://127.0.0.1:{server.server_address[1]}".encode()
    yield contents
    server.shutdown()
    thread.join()
    server.server_close()


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["places", *arguments])
    return result.exit_code, result.output


def test_a_database_is_described_and_looked_into(database: Path, tmp_path: Path) -> None:
    status, said = run("check", str(database), "192.0.2.1", "198.51.100.1")
    assert status == 0
    assert "Test-Country" in said
    assert "192.0.2.1: country DE" in said
    assert "198.51.100.1: unknown" in said
    (tmp_path / "other").write_text("nonsense")
    assert run("check", str(tmp_path / "other"))[0] == 1
    assert run("check", str(database), "nonsense")[0] == 2


@pytest.mark.parametrize("packing", ["plain", "gzip", "tar"])
def test_a_database_is_fetched_as_it_is_packed(
    database: Path, served: dict[str, bytes], tmp_path: Path, packing: str
) -> None:
    raw = database.read_bytes()
    if packing == "gzip":
        raw = gzip.compress(raw)
    elif packing == "tar":
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            archive.add(database, "Test_20261101/Test.mmdb")
        raw = packed.getvalue()
    served["/db"] = raw
    target = tmp_path / "data" / "country.mmdb"
    status, said = run("fetch", served[""].decode() + "/db", str(target))
    assert status == 0, said
    assert target.read_bytes() == database.read_bytes()
    assert list(target.parent.iterdir()) == [target]


def test_what_is_no_database_does_not_take_the_place_of_one(
    database: Path, served: dict[str, bytes], tmp_path: Path
) -> None:
    before = database.read_bytes()
    served["/db"] = b"<html>"
    served["/cut"] = gzip.compress(before)[:-10]
    for path in ("/db", "/cut", "/missing"):
        assert run("fetch", served[""].decode() + path, str(database))[0] == 1
    assert run("fetch", "http://127.0.0.1/db", str(database))[0] == 2
    assert database.read_bytes() == before
