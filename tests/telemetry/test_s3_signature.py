"""Signatures for S3, against the examples of its documentation (Signature Version 4, transferring in one chunk)."""

from __future__ import annotations

import calendar

from botproxy.telemetry.s3_signature import Key, encoded, signed

KEY = Key("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
WHEN = calendar.timegm((2013, 5, 24, 0, 0, 0))


def test_putting_an_object() -> None:
    headers = {
        "Host": "examplebucket.s3.amazonaws.com",
        "Date": "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    sent = signed("PUT", "/test$file.text", headers, b"Welcome to Amazon S3.", KEY, "us-east-1", WHEN)
    assert sent["Authorization"].endswith("98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd")
    assert sent["x-amz-content-sha256"] == "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"


def test_getting_an_object() -> None:
    headers = {"Host": "examplebucket.s3.amazonaws.com", "Range": "bytes=0-9"}
    sent = signed("GET", "/test.txt", headers, b"", KEY, "us-east-1", WHEN)
    assert sent["Authorization"].endswith("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")


def test_a_path_is_encoded_once_and_its_slashes_are_not() -> None:
    assert encoded("/bucket/a b/ü+$~.gz") == "/bucket/a%20b/%C3%BC%2B%24~.gz"
