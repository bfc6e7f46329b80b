"""Signed requests: published vectors, both forms of Signature-Agent, and what is no signature."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from signing import NOW, Shared, Signer, make_request, signed

from botproxy.bots.signatures import covers_enough, genuine, out_of_time, read_signatures, signature_base, thumbprint
from botproxy.model import Request

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def vectors() -> list[dict[str, Any]]:
    path = DATA / "web_bot_auth_architecture_v1.json"
    return [v for v in json.loads(path.read_text()) if v["key"]["kty"] == "OKP"] if path.exists() else []


def of_vector(vector: dict[str, Any]) -> Request:
    headers = [("Signature-Input", vector["signature_input"]), ("Signature", vector["signature"])]
    if "signature_agent" in vector:
        headers.append(("Signature-Agent", vector["signature_agent"]))
    return make_request(headers, target=urlsplit(vector["target_url"]).path)


def check(request: Request, signer: Signer | Shared) -> bool:
    (signature,) = read_signatures(request.headers)
    base = signature_base(request, signature)
    material = signer.public if isinstance(signer, Signer) else signer.secret
    return base is not None and genuine(
        "ed25519" if isinstance(signer, Signer) else "hmac-sha256", material, base, signature.value
    )


def test_the_published_vectors_are_genuine_in_their_time() -> None:
    if not vectors():
        pytest.skip("shared/data is not there")
    for vector in vectors():
        request = of_vector(vector)
        (signature,) = read_signatures(request.headers)
        x = vector["key"]["x"]
        assert signature.key_id == thumbprint(x)
        assert signature.tag == "web-bot-auth"
        base = signature_base(request, signature)
        assert base is not None
        assert genuine("ed25519", base64.urlsafe_b64decode(x + "="), base, signature.value)
        created = vector["created_ms"] / 1000
        assert out_of_time(signature, created + 1, 60, 86400, True) == ""
        assert "ended" in out_of_time(signature, vector["expires_ms"] / 1000 + 61, 60, 86400, True)
        assert "from now" in out_of_time(signature, created - 61, 60, 86400, True)


def test_the_vector_with_an_agent_covers_it_and_the_one_without_does_not() -> None:
    if not vectors():
        pytest.skip("shared/data is not there")
    found = [read_signatures(of_vector(vector).headers)[0] for vector in vectors()]
    assert {signature.agent: covers_enough(signature, own=False) for signature in found} == {
        "": False,
        "https://signature-agent.test": True,
    }


def test_the_key_of_the_rfc_has_the_thumbprint_of_the_draft() -> None:
    path = DATA / "ed25519.json"
    if not path.exists():
        pytest.skip("shared/data is not there")
    assert thumbprint(json.loads(path.read_text())["x"]) == "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"


def test_both_forms_of_the_agent_are_read() -> None:
    signer = Signer()
    older = signed(signer)
    newer = signed(
        signer,
        label="sig2",
        components='"@authority" "signature-agent";key="sig2"',
        agent='sig2="https://agent.example";type=directory, other="https://elsewhere.example"',
    )
    for request in (older, newer):
        (signature,) = read_signatures(request.headers)
        assert signature.agent == "https://agent.example"
        assert covers_enough(signature, own=False)
        assert check(request, signer)


def test_another_member_than_the_own_is_not_covered_by_it() -> None:
    request = signed(
        Signer(),
        components='"@authority" "signature-agent";key="other"',
        agent='sig1="https://agent.example", other="https://elsewhere.example"',
    )
    (signature,) = read_signatures(request.headers)
    assert not covers_enough(signature, own=False)


@pytest.mark.parametrize(
    "agent",
    ['"http://agent.example"', '"https://agent.example/path"', "agent", '"https://user@agent.example"',
     'sig1="https://agent.example";type=jwks_uri', '"https://AGENT.example"', "\xe4"],
)  # fmt: skip
def test_an_agent_that_could_not_be_listed_is_nobody(agent: str) -> None:
    request = make_request(
        [
            ("Signature-Input", 'sig1=("@authority");created=1;keyid="k";tag="web-bot-auth"'),
            ("Signature", "sig1=:AA==:"),
            ("Signature-Agent", agent),
        ]
    )
    (signature,) = read_signatures(request.headers)
    assert signature.agent == ""


def test_a_changed_request_is_not_genuine() -> None:
    signer = Signer()
    request = signed(signer, components='"@method" "@authority" "@path" "@query"', agent=None)
    assert check(request, signer)
    assert not check(request._replace(method=b"POST"), signer)
    assert not check(request._replace(target=b"/other?a=1"), signer)
    assert not check(request._replace(target=b"/path/to/resource?a=2"), signer)
    assert not check(request._replace(authority=b"other.example"), signer)
    assert not check(request, Signer())


def test_a_shared_secret_signs_too_and_only_as_such() -> None:
    shared = Shared("app", b"s" * 32)
    request = signed(shared, components='"@method" "@target-uri"', agent=None, tag="")
    assert check(request, shared)
    assert not check(request, Shared("app", b"t" * 32))
    (signature,) = read_signatures(request.headers)
    base = signature_base(request, signature)
    assert base is not None
    assert not genuine("ed25519", shared.secret, base, signature.value), "the algorithm is the key's"


def test_the_port_of_the_scheme_is_not_part_of_the_authority() -> None:
    signer = Signer()
    request = signed(signer, components='"@authority" "@target-uri"', agent=None)
    assert check(request._replace(authority=b"EXAMPLE.com:443"), signer)
    assert not check(request._replace(authority=b"example.com:8443"), signer)


@pytest.mark.parametrize(
    "components",
    ['"@status"', '"@query-param";name="a"', '"missing"', '"user-agent";sf', '"user-agent";bs', '"@method";req',
     '"@nonsense"', '"bad header"', '"signature-agent";key="nowhere"'],
)  # fmt: skip
def test_what_is_not_supported_or_not_there_has_no_base(components: str) -> None:
    request = make_request(
        [
            ("User-Agent", "a"),
            ("Signature-Agent", 'sig1="https://agent.example"'),
            ("Signature-Input", f'sig1=({components});created=1;keyid="k"'),
            ("Signature", "sig1=:AA==:"),
        ]
    )
    (signature,) = read_signatures(request.headers)
    assert signature_base(request, signature) is None


@pytest.mark.parametrize(
    ("described", "value"),
    [
        ('sig1=("@authority")', "sig2=:AA==:"),
        ('sig1=("@authority")', "sig1=token"),
        ("sig1=1", "sig1=:AA==:"),
        ("sig1=(token)", "sig1=:AA==:"),
        ('sig1=("@authority" "@authority")', "sig1=:AA==:"),
        ("sig1=(", "sig1=:AA==:"),
        ("\xff", "sig1=:AA==:"),
    ],
)
def test_what_is_malformed_is_no_signature(described: str, value: str) -> None:
    assert read_signatures(make_request([("Signature-Input", described), ("Signature", value)]).headers) == ()


def test_no_more_than_four_signatures_are_looked_at() -> None:
    described = ", ".join(f'sig{number}=("@authority")' for number in range(9))
    values = ", ".join(f"sig{number}=:AA==:" for number in range(9))
    request = make_request([("Signature-Input", described), ("Signature", values)])
    assert [signature.label for signature in read_signatures(request.headers)] == ["sig0", "sig1", "sig2", "sig3"]


def test_time_has_to_be_said_and_bounded() -> None:
    signer = Signer()

    def wrong(created: int | None, expires: int | None, needs_expiry: bool = True) -> str:
        (signature,) = read_signatures(signed(signer, created=created, expires=expires).headers)
        return out_of_time(signature, NOW, 60, 3600, needs_expiry)

    now = int(NOW)
    assert wrong(now - 10, now + 60) == ""
    assert wrong(now + 50, now + 60) == ""
    assert "does not say" in wrong(None, now + 60)
    assert "does not say" in wrong(now, None)
    assert "would be good for" in wrong(now - 10, now + 4000)
    assert "from now" in wrong(now + 100, now + 200)
    assert wrong(now - 3600, None, needs_expiry=False) == ""
    assert "ago" in wrong(now - 4000, None, needs_expiry=False)
