"""From a source to a configuration: files, options of the command line, and what travels between processes."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.config import Config, ConfigError, Source, bounds, examine, load

SITE = "zones: [{name: site, hosts: [example.com, '*.example.com'], origins: ['http://127.0.0.1:3000']}]\n"


def written(directory: Path, text: str) -> Source:
    """A source for this text."""
    file = directory / "botproxy.yaml"
    file.write_text(text, encoding="utf-8")
    return Source.from_file(file)


def test_a_good_file_becomes_what_it_says(tmp_path: Path) -> None:
    config = load(
        written(
            tmp_path,
            "mode: enforce\n"
            + "timeouts: {idle: 2m}\nlimits: {body_size: 10MB}\nforwarding: {trusted: [10.0.0.0/8], hops: 2}\n"
            + "events: {file: log/events.jsonl}\n"
            + SITE,
        )
    )
    assert config.mode == "enforce"
    assert config.timeouts.idle == 120.0
    assert config.limits.body_size == 10 * 1024**2
    assert list(config.forwarding.trusted) == [ip_network("10.0.0.0/8")]
    assert config.events.file == tmp_path / "log" / "events.jsonl"
    assert config.data == tmp_path / "data"
    assert config.host_table().find("a.example.com") == "site"
    assert config.host_table().find("example.org") is None
    assert config.zone("site") is not None
    assert config.zone("nowhere") is None


def test_unknown_hosts_go_to_the_zone_that_takes_them(tmp_path: Path) -> None:
    assert load(written(tmp_path, "unknown_host: site\n" + SITE)).host_table().find("example.org") == "site"


def test_a_configuration_survives_being_written_down(tmp_path: Path) -> None:
    config = load(written(tmp_path, "mode: enforce\nadmin: {listen: '127.0.0.1:0'}\n" + SITE))
    assert Config.model_validate_json(config.model_dump_json()) == config


def test_zero_config_is_one_site_for_every_host(tmp_path: Path) -> None:
    config = load(
        Source.from_origin(
            "http://127.0.0.1:3000", mode="enforce", listen=":8081", admin="[::1]:9", workers=2, data=str(tmp_path)
        )
    )
    (zone,) = config.zones
    assert config.host_table().find("anything.example") == zone.name == "default"
    assert zone.presets == ("default",)
    assert (config.mode, config.workers, config.data) == ("enforce", 2, tmp_path)
    assert [listener.address for listener in config.listeners] == [":8081"]
    assert config.admin.listen == "[::1]:9"
    assert config.secret_file == "auto"


def test_zero_config_observes_unless_told_otherwise() -> None:
    assert load(Source.from_origin("unix:/run/site.sock")).mode == "observe"


def test_faulty_options_are_called_by_their_names() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Source.from_origin("localhost:3000", listen="nowhere", admin="0.0.0.0:9090", workers=-1))
    assert [problem.file for problem in caught.value.problems] == ["--admin", "--listen", "--origin", "--workers"]
    assert "http://localhost:3000" in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        Source.from_file("/etc/botproxy/é.yaml"),
        Source.from_origin("http://127.0.0.1:3000"),
        Source.from_origin("http://o", mode="enforce", listen=":1", admin=":2", workers=0, data="d"),
        Source(file="a.yaml", text=""),
    ],
)
def test_a_source_travels_as_one_line_of_ascii(source: Source) -> None:
    text = source.to_json()
    assert Source.from_json(text) == source
    assert text.isascii()
    assert "\n" not in text


def test_a_pinned_source_no_longer_follows_its_file(tmp_path: Path) -> None:
    """A worker that starts while somebody edits the file gets what was checked."""
    pinned = written(tmp_path, "mode: enforce\n" + SITE).pinned()
    written(tmp_path, "mode: [")
    assert load(Source.from_json(pinned.to_json())).mode == "enforce"


def test_a_long_file_is_not_pinned(tmp_path: Path) -> None:
    """What travels between processes has to fit into one message."""
    assert written(tmp_path, SITE + "# " + "x" * 70_000).pinned().text is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"mode: \xff\n", ":1:7: a byte that is not UTF-8"),
        (b"\n\nmode: \xe2\x28\n", ":3:7: a byte that is not UTF-8"),
        (b"mode: a\0b\n", "this is not YAML"),
        (b"#" * (9 * 1024**2), "is larger than 8 MB"),
    ],
)
def test_what_is_no_text_is_said_so(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "botproxy.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        load(Source.from_file(file))


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert load(written(tmp_path, "\ufeff" + SITE)).zones


@pytest.mark.parametrize("path", ["nowhere.yaml", ".", "a\0b"])
def test_a_file_that_cannot_be_read_is_said_so(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Source.from_file(path))
    assert str(caught.value).startswith(path)


def certificates(directory: Path) -> None:
    """Two certificates with their keys."""
    authority = trustme.CA()
    for name in ("one", "two"):
        issued = authority.issue_cert("*.example.com", "example.com", common_name=name)
        issued.cert_chain_pems[0].write_to_path(directory / f"{name}.pem")
        issued.private_key_pem.write_to_path(directory / f"{name}.key")
        (directory / f"{name}.key").chmod(0o600)


def listener(certificate: str, key: str) -> str:
    return f"listeners: [{{address: ':8443', tls: {{certificate: {certificate}, key: {key}}}}}]\n" + SITE


def test_certificate_and_key_that_belong_together_are_fine(tmp_path: Path) -> None:
    certificates(tmp_path)
    assert examine(written(tmp_path, listener("one.pem", "one.key"))).warnings == ()


@pytest.mark.parametrize(
    ("certificate", "key", "what"),
    [
        ("one.pem", "two.key", "is not the key of the certificate"),
        ("one.key", "one.key", "there is no certificate in"),
        ("one.pem", "one.pem", "there is no private key in"),
        ("botproxy.yaml", "one.key", "there is no certificate in"),
    ],
)
def test_files_that_do_not_fit_together_are_told_apart(tmp_path: Path, certificate: str, key: str, what: str) -> None:
    certificates(tmp_path)
    with pytest.raises(ConfigError, match=what):
        load(written(tmp_path, listener(certificate, key)))


def test_a_key_that_others_can_read_is_warned_about(tmp_path: Path) -> None:
    certificates(tmp_path)
    (tmp_path / "one.key").chmod(0o644)
    (warning,) = examine(written(tmp_path, listener("one.pem", "one.key"))).warnings
    assert "chmod 600" in str(warning)


def warnings_of(directory: Path, host: str, listeners: str, certificate: str = "one") -> list[str]:
    """What is said of a site that brings a certificate for *.example.com."""
    certificates(directory)
    pair = f"{{certificate: {certificate}.pem, key: {certificate}.key}}"
    site = f"{{name: site, hosts: [{host}], origins: ['http://127.0.0.1:3000'], certificates: [{pair}]}}"
    return list(map(str, examine(written(directory, f"listeners: [{listeners}]\nzones: [{site}]\n")).warnings))


def test_a_zone_brings_its_certificate(tmp_path: Path) -> None:
    assert warnings_of(tmp_path, "www.example.com", "{address: ':8443', tls: {}}") == []


def test_certificates_that_nobody_serves_are_warned_about(tmp_path: Path) -> None:
    (warning,) = warnings_of(tmp_path, "www.example.com", "{address: ':8443'}")
    assert "no listener speaks TLS" in warning


def test_certificates_for_other_names_are_warned_about(tmp_path: Path) -> None:
    first, second = warnings_of(tmp_path, "www.other.example", "{address: ':8443', tls: {}}")
    assert "no certificate is for `www.other.example`" in first
    assert "the certificate is for `*.example.com`, `example.com`, and for no host of this zone" in second


LINES = st.sampled_from(
    [
        *("mode: enforce", "mode: 1", "zones:", "zones: []", "zones: 5", "  - name: site", "    name: [x]"),
        *("    hosts: [a.example]", "    hosts: 3", "    origins: ['http://x']", "    origins: {a: b}", "    rules:"),
        *("      - {ref: a, expression: ssl, action: block}", "      - {ref: a, expression: '((', action: 1}"),
        *("      - 7", "limits: {requests: x}", "limits: [1]", "admin: {listen: 5}", "a.b[0]: 1", "unknown_host: site"),
        *(
            "listeners: [{address: x}]",
            "listeners: [[]]",
            "secret_file: 1",
            "? {a: b}",
            "forwarding: {trusted: [::/0]}",
        ),
        *("workers: 99999999999999999999999", "location: '\\u0000'", 'data: "a\\0b"', 'secret_file: "a\\0b"'),
    ]
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, max_size=12).map("\n".join) | st.text(max_size=40))
def test_any_text_is_a_configuration_or_a_list_of_problems(tmp_path: Path, text: str) -> None:
    """Nothing but `ConfigError` comes out, and it says at least one thing."""
    caught: ConfigError | None = None
    try:
        load(Source(file=str(tmp_path / "botproxy.yaml"), text=text))
    except ConfigError as error:
        caught = error
    assert caught is None or (caught.problems and str(caught))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_any_bytes_are_too(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "botproxy.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigError):
        load(Source.from_file(file))


def test_more_connections_than_the_system_lets_files_be_open_are_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker without files left can accept nobody, and connect to no origin."""
    monkeypatch.setattr(bounds, "most_files", lambda: 4096)
    file = SITE + "limits:\n  connections: %d\n"
    (warning,) = examine(written(tmp_path, file % 2020)).warnings
    assert (warning.line, warning.column) == (3, 16)
    assert "4096 files" in warning.what
    assert "at most 2016" in warning.right
    assert examine(written(tmp_path, file % 2016)).warnings == ()
