"""A certificate for the servers of a benchmark, made anew each time."""

from __future__ import annotations

from pathlib import Path

import trustme


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """Its file and that of its key, in this folder."""
    issued = trustme.CA().issue_cert("localhost", "127.0.0.1")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for number, blob in enumerate(issued.cert_chain_pems):
        blob.write_to_path(str(certificate), append=number > 0)
    return certificate, key
