from __future__ import annotations

from pathlib import Path

from botproxy.config.overlay import versions


def test_of_versions_that_were_put_aside_the_newest_are_kept(tmp_path: Path) -> None:
    kept = versions.Versions(tmp_path)
    folder = tmp_path / versions.DIRECTORY
    folder.mkdir()
    numbers = range(1, versions.MOST_ASIDE + 11)
    for number in numbers:
        (folder / f"{number:06d}.yaml").write_text(f"# {number}\n")
    assert kept.put_aside(1) == list(numbers)
    left = {path.read_text() for path in kept.aside()}
    assert left == {f"# {number}\n" for number in numbers[10:]}
