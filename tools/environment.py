"""Make or bring up to date `.venv` from the lock files: `python3 tools/environment.py [--compiled] GROUP...`.

With `--compiled` it is `.venv-compiled`, in which botproxy itself is installed with its hot rooms compiled.

Runs on the system's Python with nothing installed, so it uses the standard library alone and no syntax newer than 3.6:
an old interpreter must get as far as the sentence that says so. Groups that were asked for once stay installed, so that
`make check` after `make test` does not take the tests' packages away again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")
ROOT = Path(__file__).resolve().parent.parent
COMPILED = "--compiled" in sys.argv[1:]
VENV = ROOT / (".venv-compiled" if COMPILED else ".venv")
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = VENV / "botproxy-groups.json"
ALWAYS = ("core", "build", "compile") if COMPILED else ("core", "build")


def main(groups):
    if sys.version_info < OLDEST:
        return use_newer_python()
    recorded = read_stamp()
    wanted = sorted({*ALWAYS, *groups, *recorded.get("groups", [])})
    if lacks_node():
        wanted = sorted({*wanted, "node"})
    digest = digest_of(wanted)
    if recorded.get("digest") == digest and PYTHON.exists():
        build_assets()
        return 0
    print(f"botproxy: installing into {VENV.name}: " + ", ".join(wanted), flush=True)
    make_venv()
    install(wanted)
    STAMP.write_text(json.dumps({"digest": digest, "groups": wanted}) + "\n")
    return 0


def lacks_node():
    """Whether what runs in browsers has to be built and nothing here could do it."""
    if not (ROOT / "web").exists():
        return False
    import assets

    return not assets.is_up_to_date() and assets.find_node() is None


def build_assets():
    if not (ROOT / "web").exists():
        return
    import assets

    try:
        assets.build()
    except assets.AssetsError as error:
        sys.exit(str(error))


def use_newer_python():
    if "BOTPROXY_PYTHON_CHOSEN" not in os.environ:
        for name in NEWER_NAMES:
            path = shutil.which(name)
            if path:
                os.environ["BOTPROXY_PYTHON_CHOSEN"] = path
                os.execv(path, [path, *sys.argv])
    found = ".".join(str(part) for part in sys.version_info[:3])
    sys.exit(
        f"botproxy needs Python 3.11 or newer; {sys.executable} is {found}.\n"
        "Install a newer one and name it: make setup PYTHON=/path/to/python3.11"
    )


def read_stamp():
    try:
        return dict(json.loads(STAMP.read_text()))
    except (OSError, ValueError):
        return {}


def lock_file(group):
    path = ROOT / "requirements" / f"{group}.txt"
    if not path.exists():
        sys.exit(f"there is no lock file {path.relative_to(ROOT)}")
    return path


def digest_of(groups):
    """What decides whether the environment is up to date: lock files, project file, interpreter and place."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for path in [ROOT / "pyproject.toml", lock_file("installer"), *map(lock_file, groups)]:
        digest.update(path.read_bytes())
    packaged = [*(ROOT / "botproxy").rglob("*"), *(ROOT / "config" / "bots").rglob("*")] if COMPILED else []
    for path in sorted(path for path in packaged if path.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def make_venv():
    if PYTHON.exists() and succeeds(PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"):
        if succeeds(PYTHON, "-m", "pip", "--version") or succeeds(PYTHON, "-m", "ensurepip"):
            return
    if not succeeds(sys.executable, "-c", "import ensurepip, venv"):
        sys.exit(
            f"{sys.executable} comes without the modules venv and ensurepip, which set up .venv.\n"
            "Debian and Ubuntu keep them in a package of their own: apt-get install python3-venv"
        )
    run(sys.executable, "-m", "venv", "--clear", VENV)


def install(groups):
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--require-hashes", "--requirement", lock_file("installer"))
    uv = [UV, "pip"]
    into = ["--quiet", "--python", PYTHON]
    locks = [lock_file(group) for group in groups]
    run(*uv, "sync", *into, "--require-hashes", lock_file("installer"), *locks)
    build_assets()
    if COMPILED:
        install_compiled([*uv, "install", *into])
    else:
        run(*uv, "install", *into, "--no-deps", "--no-build-isolation", "--editable", ROOT)


def install_compiled(uv_install):
    """Build a wheel with compiled rooms and install it; whatever else lies in the project stays importable."""
    print("botproxy: compiling, which takes a few minutes", flush=True)
    os.environ["HATCH_BUILD_HOOK_ENABLE_MYPYC"] = "1"
    # The compiler leaves its work beside what it compiled, and nobody wants to import that without knowing.
    with tempfile.TemporaryDirectory(prefix="botproxy-compiled-") as copy:
        for name in ("pyproject.toml", "README.md", "LICENSE", "tools/hatch_build.py"):
            Path(copy, name).parent.mkdir(exist_ok=True)
            shutil.copy(str(ROOT / name), str(Path(copy, name)))
        leave = shutil.ignore_patterns("__pycache__", "*.so")
        for name in ("botproxy", "config/bots"):
            shutil.copytree(str(ROOT / name), str(Path(copy, name)), ignore=leave)
        run(*uv_install, "--no-deps", "--no-build-isolation", "--reinstall-package", "botproxy", copy)
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = subprocess.run([str(PYTHON), "-c", code], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    (Path(said) / "botproxy-project.pth").write_text(f"{ROOT}\n")


def succeeds(*command):
    quiet = subprocess.DEVNULL
    return subprocess.run([str(word) for word in command], stdout=quiet, stderr=quiet).returncode == 0


def run(*command):
    environment = dict(os.environ)
    environment.pop("VIRTUAL_ENV", None)
    if "PIP_INDEX_URL" in environment:  # uv does not read pip's settings; a mirror set for one serves both
        environment.setdefault("UV_DEFAULT_INDEX", environment["PIP_INDEX_URL"])
    done = subprocess.run([str(word) for word in command], env=environment)
    if done.returncode != 0:
        sys.exit(f"failed ({done.returncode}): " + " ".join(str(word) for word in command))


if __name__ == "__main__":
    sys.exit(main([group for group in sys.argv[1:] if group != "--compiled"]))
