"""Nothing that a client puts into the headers which are read here breaks anything, or verifies anybody."""

from __future__ import annotations

import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from signing import NOW, Signer, make_facts, make_request

from botproxy.bots import Knowledge, Recogniser, Settings
from botproxy.bots.directory import Directory, parse_all
from botproxy.model import Headers

SIGNER = Signer()
DIRECTORY = Directory.build(
    parse_all(
        {
            "own": "bots: [{name: Agent, user_agent: Agent/, verify: {signature_agent: 'https://agent.example'}},"
            f" {{name: App, verify: {{keys: [{{id: app, ed25519: {Signer().x}}}]}}}}]"
        }
    )
)
WORDS = st.sampled_from(
    [
        "sig1", "=", "(", ")", '"@authority"', '"@method"', '"@target-uri"', '"signature-agent"', ";key=", '"sig1"',
        "created=", "expires=", "1800000000", "1800000060", f'keyid="{SIGNER.id}"', 'keyid="app"', ";", "9" * 20,
        'nonce="n"', ",", " ", ":AAAA:", ":", "?1", '"', "\\", "https://agent.example", '"https://agent.example"', "-",
        'tag="web-bot-auth"',
    ]
)  # fmt: skip
TEXT = st.one_of(st.lists(WORDS, max_size=25).map("".join).map(str.encode), st.binary(max_size=60))


@settings(max_examples=400, deadline=None)
@given(described=TEXT, value=TEXT, agent=TEXT, user_agent=TEXT, method=st.binary(min_size=1, max_size=5), target=TEXT)
def test_no_headers_break_recognition_or_verify_anybody(
    described: bytes, value: bytes, agent: bytes, user_agent: bytes, method: bytes, target: bytes
) -> None:
    knowledge = Knowledge(10)
    keys = {SIGNER.id: Ed25519PublicKey.from_public_bytes(SIGNER.public)}
    knowledge.learn_keys("https://agent.example", keys, NOW, 60.0)
    recogniser = Recogniser(DIRECTORY, knowledge, Settings())
    headers = Headers(
        (
            (b"Signature-Input", described),
            (b"Signature", value),
            (b"Signature-Agent", agent),
            (b"User-Agent", user_agent),
            (b"Signature-Input", value),
        )
    )
    request = make_request()._replace(headers=headers, method=method, target=b"/" + target)
    for settled in (False, True):
        found = recogniser.recognise(request, make_facts(request).client, settled)
        assert found is None or found.bot is None
