"""Runs one client from the table of command lines against the recorder, over each of its schemes."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from pathlib import Path

from lab.commands import Program
from lab.recorder import SITE, Recorder

HERE = Path(__file__).resolve().parent


def run_program(recorder: Recorder, program: Program, python: str, out: Path) -> None:
    """Run all command lines of a program over its schemes."""
    words = out / "words"
    words.write_text("admin\nlogin\nindex.html\n")
    for scheme in program.schemes:
        recorder.client = program.name
        places = {
            "base": recorder.url(scheme), "host": SITE, "port": recorder.ports[scheme], "here": HERE,
            "words": words, "out": out, "python": python,
        }  # fmt: skip
        for line in program.lines:
            argv = shlex.split(line.format(**places))
            if shutil.which(argv[0]) is None:
                print(f"  {program.name}: {argv[0]} is not installed")
                return
            try:
                with subprocess.Popen(
                    argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    start_new_session=True, cwd=out,
                ) as process:  # fmt: skip
                    try:
                        process.wait(40)
                    except subprocess.TimeoutExpired:
                        os.killpg(process.pid, signal.SIGKILL)
            except OSError as problem:
                print(f"  {program.name}: {problem}")
