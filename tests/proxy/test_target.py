"""One spelling of a path: the table of cases, and that arbitrary targets give a fixed point or a clean refusal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botproxy.errors import ClientError
from botproxy.proxy.own_paths import is_own_path
from botproxy.proxy.target import normalise

KEPT = [
    (b"/", b"/"),
    (b"/a/b.html", b"/a/b.html"),
    (b"/a;b=c", b"/a;b=c"),
    (b"/a%2fb%5cc", b"/a%2Fb%5Cc"),
    (b"/%61%7e%2d", b"/a~-"),
    (b"/%252e%252e/", b"/%252e%252e/"),
    (b"//admin", b"/admin"),
    (b"/a///b//", b"/a/b/"),
    (b"/a/./b/../c", b"/a/c"),
    (b"/a/%2e%2E/c", b"/c"),
    (b"/a/..", b"/"),
    (b"/a/.", b"/a/"),
    (b"/.well-known/x", b"/.well-known/x"),
    (b"/...", b"/..."),
    (b"/\xc3\xa4", b"/%C3%A4"),
    (b"/x/../cdn-cgi/y", b"/cdn-cgi/y"),
    (b"/%63dn-cgi/", b"/cdn-cgi/"),
]
REFUSED = [
    b"", b"a", b"/\\a", b"/a\x00", b"/%00", b"/%", b"/%4", b"/%zz", b"/a#b", b"/..", b"/a/../../b", b"/%2e%2e/etc",
    b"/a/..%2fb", b"/a%2f..", b"/a%5c../b", b"/a/..;/b", b"/a/.;x", b"/a b", b"/a\tb", b"/a?b#c", b"/a?\x01",
]  # fmt: skip


@pytest.mark.parametrize(("target", "path"), KEPT)
def test_a_path_has_one_spelling(target: bytes, path: bytes) -> None:
    assert normalise(target).path == path


@pytest.mark.parametrize("target", REFUSED)
def test_what_origins_read_differently_is_refused(target: bytes) -> None:
    with pytest.raises(ClientError) as refused:
        normalise(target)
    assert refused.value.status == 400


def test_a_query_is_kept_byte_for_byte_and_split_before_decoding() -> None:
    assert normalise(b"/a%3fb?c=%41&//../") == (b"/a%3Fb", b"c=%41&//../")
    assert normalise(b"/a?") == (b"/a", b"")
    assert normalise(b"/a").query is None


@given(st.lists(st.sampled_from([b"/", b".", b"..", b"%2e", b"%2F", b"%5c", b";", b"a", b"%", b"\xff", b"?"])))
def test_normalising_again_changes_nothing(parts: list[bytes]) -> None:
    try:
        once = normalise(b"/" + b"".join(parts))
    except ClientError:
        return
    again = normalise(once.path if once.query is None else once.path + b"?" + once.query)
    assert again == once
    assert b"/../" not in once.path
    assert b"//" not in once.path


@given(st.binary(max_size=60))
def test_any_bytes_give_a_target_or_a_refusal(target: bytes) -> None:
    try:
        normalise(target)
    except ClientError:
        return


@pytest.mark.parametrize(
    "target",
    [b"/cdn-cgi/", b"/cdn-cgi", b"//cdn-cgi/x", b"/CDN-CGI/x", b"/x/../cdn-cgi/", b"/%63dn%2dcgi/x", b"/cdn-cgi%2fx",
     b"/%2fcdn-cgi/", b"/cdn-cgi;x/y"],
)  # fmt: skip
def test_our_prefix_is_ours_in_any_spelling(target: bytes) -> None:
    assert is_own_path(normalise(target).path)
    assert is_own_path(normalise(target, merge_slashes=False).path)


@pytest.mark.parametrize("path", [b"/", b"/cdn", b"/cdn-cgix/", b"/a/cdn-cgi/"])
def test_other_paths_are_not_ours(path: bytes) -> None:
    assert not is_own_path(path)
