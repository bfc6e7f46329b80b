#!/usr/bin/env bash
# Resolve pyproject.toml into requirements/*.txt: every package pinned, with hashes, without download addresses.
# Pins that still fit are kept; `tools/lock.sh --upgrade` takes the newest of everything.
set -eu
cd "$(dirname "$0")/.."
compile=(.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate
    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" "$@")
"${compile[@]}" pyproject.toml --output-file requirements/core.txt
# Each group is held to the pins of those before it, so that any of them can be installed together.
constraints=(--constraints requirements/core.txt)
for group in build test check compile bench installer node; do
    "${compile[@]}" --group "pyproject.toml:$group" "${constraints[@]}" --output-file "requirements/$group.txt"
    constraints+=(--constraints "requirements/$group.txt")
done
if grep -n "://" requirements/*.txt; then
    echo "a lock file names a download address" >&2
    exit 1
fi
