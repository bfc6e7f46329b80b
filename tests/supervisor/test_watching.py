"""Files of lists: a change is told once, when nobody is writing any more."""

from __future__ import annotations

import os
from pathlib import Path

from botproxy.supervisor.watching import Watch


def signature(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def following(path: Path) -> Watch:
    watch = Watch()
    watch.follow([(str(path), signature(path))])
    return watch


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_that_stays_as_it_is_is_not_told(tmp_path: Path) -> None:
    watch = following(written(tmp_path / "a", "one"))
    assert [watch.look() for _ in range(3)] == [[], [], []]


def test_a_change_is_told_at_the_second_look_that_sees_it_and_once(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "one")
    watch = following(path)
    watch.look()
    written(path, "one and two")
    assert [watch.look() for _ in range(4)] == [[], [str(path)], [], []]


def test_a_file_that_is_being_written_is_waited_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "one")
    watch = following(path)
    for size in range(4, 8):
        written(path, "x" * size)
        assert watch.look() == []
    assert watch.look() == [str(path)]


def test_a_file_that_is_replaced_by_one_of_the_same_size_and_time_is_told(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "one")
    watch = following(path)
    other = written(tmp_path / "b", "two")
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert [watch.look(), watch.look()] == [[], [str(path)]]


def test_a_file_that_is_gone_is_told_and_so_is_its_return(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "one")
    watch = following(path)
    path.unlink()
    assert [watch.look() for _ in range(3)] == [[], [str(path)], []]
    written(path, "two!")
    assert [watch.look() for _ in range(3)] == [[], [str(path)], []]


def test_what_was_read_anew_is_followed_from_there(tmp_path: Path) -> None:
    path = written(tmp_path / "a", "one")
    watch = following(path)
    written(path, "one and two")
    watch.look()
    watch.follow([(str(path), signature(path))])
    assert [watch.look() for _ in range(3)] == [[], [], []]
