"""Lists from the configuration and from files: what is read, what is told, and where."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from botproxy.config import Source, examine
from botproxy.config import lists as module
from botproxy.config.document import read
from botproxy.config.lists import LoadedLists, load_lists
from botproxy.rules.settings import ListSettings


def loaded(path: Path, kind: str = "ip", content: bytes | None = None) -> LoadedLists:
    """A list read from this file."""
    if content is not None:
        path.write_bytes(content)
    settings = ListSettings.model_validate({"name": "one", "kind": kind, "file": path})
    return load_lists([settings], read(f'lists: [{{name: one, kind: {kind}, file: "{path}"}}]', "c.yaml"), "c.yaml")


def test_a_file_is_read_in_every_form_that_people_have(tmp_path: Path) -> None:
    content = (
        b"\xef\xbb\xbf192.0.2.1\r\n# remark\r\n\r\n  192.0.2.2  # an office\n192.0.2.3,A description, with a comma\n"
        b"198.51.100.0/24 ; SBL123\n;\n2001:DB8::1\n10.0.0.1..10.0.0.9"
    )
    found = loaded(tmp_path / "a", content=content)
    assert (found.problems, found.warnings) == ((), ())
    for address in ("192.0.2.1", "192.0.2.2", "192.0.2.3", "198.51.100.9", "2001:db8::1", "10.0.0.5"):
        assert ip_address(address) in found.lists["one"], address
    assert ip_address("192.0.2.4") not in found.lists["one"]


def test_strings_count_as_they_stand(tmp_path: Path) -> None:
    found = loaded(tmp_path / "a", "string", b"# remark\n a, b # c; d \r\n\xff\n\nlast").lists["one"]
    assert len(found) == 3
    for word in (b" a, b # c; d ", b"\xff", b"last"):
        assert word in found


def test_faults_are_told_by_line_and_many_of_them_by_number(tmp_path: Path) -> None:
    path = tmp_path / "a"
    found = loaded(path, content=b"192.0.2.1\n" + b"nobody\n" * 50)
    told = [str(problem) for problem in found.problems]
    assert told[0].startswith(f"{path}:2:1: `nobody` is neither an address nor a network")
    assert told[-1] == f"{path}: 30 more lines are wrong"
    assert len(told) == 21
    assert ip_address("192.0.2.1") not in found.lists["one"]


def test_a_file_with_many_repetitions_is_told_shortly(tmp_path: Path) -> None:
    path = tmp_path / "a"
    found = loaded(path, content=b"192.0.2.1\n" * 100)
    assert len(found.warnings) == 11
    assert (
        str(found.warnings[-1])
        == f"{path}: 89 more items of $one are in it already — nothing, if meant: they cost no memory"
    )


def test_an_empty_file_is_a_warning_and_an_empty_list_of_items_is_meant(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert [str(each) for each in loaded(path, content=b"# nothing yet\n").warnings] == [
        f"{path}: the list $one is empty"
    ]
    settings = ListSettings.model_validate({"name": "one", "kind": "ip", "items": []})
    assert load_lists([settings], read("", ""), "").warnings == ()


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, why in ((pipe, "not a file"), (tmp_path, "not a file"), (tmp_path / "none", "No such file or directory")):
        (problem,) = loaded(path).problems
        assert str(problem).startswith(f"c.yaml:1:37: `{str(path)[:80]}")
        assert why in str(problem)
    assert "not the path of a file" in str(loaded(tmp_path / "a\0b").problems[0])


def test_a_file_that_is_too_large_is_refused_without_being_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 1024**2)
    path = tmp_path / "a"
    with path.open("wb") as opened:
        opened.truncate(1024**2 + 1)
    assert "is larger than 1 MB" in str(loaded(path).problems[0])
    monkeypatch.setattr(module, "MAX_LINES", 3)
    assert "more than 3 lines" in str(loaded(path, content=b"192.0.2.1\n" * 4).problems[0])


def test_files_are_followed_as_they_were_when_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    (watched,) = loaded(path, content=b"192.0.2.1\n").files
    found = path.stat()
    assert watched == (str(path), (found.st_ino, found.st_size, found.st_mtime_ns))
    path.unlink()
    assert loaded(path).files == ((str(path), (0, 0, 0)),)


def test_paths_start_at_the_directory_of_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "a").write_text("192.0.2.1\n")
    (tmp_path / "botproxy.yaml").write_text(
        "secret_file: auto\nlists: [{name: a.b, kind: ip, file: lists/a}]\n"
        "zones: [{name: s, hosts: [a.example], origins: ['http://127.0.0.1:1'], "
        "rules: [{ref: r, expression: ip.src in $a.b, action: block}]}]\n"
    )
    found = examine(Source.from_file(tmp_path / "botproxy.yaml")).lists
    assert ip_address("192.0.2.1") in found.lists["a.b"]
    assert [watched.path for watched in found.files] == [str(tmp_path / "lists" / "a")]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["ip", "hostname", "asn", "string"]),
    content=st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from([b"192.0.2.1", b"::/0", b"a.b", b"7", b"#", b",", b"/", b"\n", b"\r", b"\0", b" "])
        ).map(b"".join),
    ),
)
def test_whatever_a_file_holds_it_is_taken_or_told(tmp_path: Path, kind: str, content: bytes) -> None:
    found = loaded(tmp_path / "a", kind, content)
    lines = content.count(b"\n") + 1
    assert all(0 <= problem.line <= lines for problem in (*found.problems, *found.warnings))
    assert all(str(problem).isprintable() for problem in (*found.problems, *found.warnings))
    assert "one" in found.lists
