"""What people, alerts and changes wrote down about an address is shown and taken out; what holds is left and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from botproxy.config.overlay.versions import Versions, number_of
from botproxy.store import labels
from botproxy.store.labels import Label
from botproxy.store.lines import Lines
from botproxy.store.named import Named
from botproxy.supervisor import audit, feedback, written

WANTED = Named(["192.0.2.1"])


def change(versions: Versions, **changes: Any) -> int:
    after = versions.next(versions.current(), changes, "ann", "a change")
    versions.draft(after)
    versions.take(after)
    return number_of(after)


def test_an_address_leaves_every_line_and_every_older_version(tmp_path: Path) -> None:
    audit.FILE.append(tmp_path, [b'{"after":"192.0.2.1","what":"exception"}', b'{"after":"192.0.2.10"}'])
    old = Lines("feedback", rotate_size=1, keep_files=4)
    for text in (b'{"expression":"ip.src eq 192.0.2.1"}', b'{"expression":"ip.src eq 192.0.2.2"}'):
        old.append(tmp_path, [text])
    labels.append(
        tmp_path,
        [
            Label(1.0, "shop", "human", "ann", expression="ip.src eq 192.0.2.1", since=1.0, until=2.0),
            Label(1.0, "shop", "human", "ann", ray="0123456789abcdef", note="she wrote from 192.0.2.1"),
        ],
    )
    (tmp_path / "revocations.json").write_text('["192.0.2.1"]')
    versions = Versions(tmp_path)
    named, _clean, newest = (
        change(versions, zones={"shop": {"exceptions": [{"expression": f"ip.src eq {address}"}]}})
        for address in ("192.0.2.1", "192.0.2.2", "192.0.2.1")
    )

    shown = [json.loads(line)["file"] for line in written.found(tmp_path, WANTED)]
    files = ["feedback.1.jsonl", "labels.jsonl", "labels.jsonl", "audit.jsonl"]
    assert shown == [*files, f"overlay/{named:06d}.yaml", f"overlay/{newest:06d}.yaml"]

    done = written.forget(tmp_path, WANTED)
    assert (done.notes, done.versions) == (4, 1)
    assert done.left[0].startswith(f"version {newest} of the changes")
    assert done.left[1:] == ("revocations.json, which names it",)
    assert [row["after"] for row in audit.FILE.read(tmp_path)] == ["(forgotten)", "192.0.2.10"]
    assert [row["expression"] for row in feedback.FILE.read(tmp_path)] == [
        "ip.src eq (forgotten)",
        "ip.src eq 192.0.2.2",
    ]
    assert [label.note for label in labels.read(tmp_path)] == ["she wrote from (forgotten)"]

    # Once the change that holds is taken back, nothing is left of it; nor of versions put aside.
    versions.put_aside(newest)
    change(versions)
    assert len(list(written.found(tmp_path, WANTED))) == 1
    assert written.forget(tmp_path, WANTED).versions == 1
    assert list(written.found(tmp_path, WANTED)) == []
