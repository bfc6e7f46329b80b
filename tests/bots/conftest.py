"""Servers of the outside world, on loopback."""

from __future__ import annotations

import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

sys.path.insert(0, str(Path(__file__).parent))
from servers import Https, ScriptedDns


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
async def dns() -> AsyncIterator[ScriptedDns]:
    server = ScriptedDns()
    yield server
    await server.close()


@pytest.fixture
async def https(authority: trustme.CA) -> AsyncIterator[Https]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("agent.test", "localhost", "127.0.0.1", "inside.test").configure_cert(context)
    server = Https(context)
    await server.start()
    yield server
    await server.close()
