#!/usr/bin/env bash
# Build the image without a Docker engine and run it as compose would: not root, read-only root file system.
#
# buildah with chroot isolation builds the Dockerfile on a base made by debootstrap; then the image's own command runs in
# a chroot whose every file system is read-only but /data. Needs root, buildah, debootstrap and curl on a Debian machine.
# BASE_FOLDER keeps the debootstrapped base between runs.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
export BUILDAH_ISOLATION=chroot
storage=(--root "$work/storage" --runroot "$work/run")
processes=()
cleanup() {
    for process in "${processes[@]}"; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    for place in data proc dev ""; do umount "$work/root/$place" 2>/dev/null || true; done
    buildah "${storage[@]}" umount --all >/dev/null 2>&1 || true
    umount "$work/storage/overlay" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT

echo "== a base image with Python from Debian"
base_folder=${BASE_FOLDER:-$work/base}
settings=()
# How this machine reaches its registries: known to the base that builds, not to the one that runs.
for name in PIP_INDEX_URL PIP_CERT PIP_FIND_LINKS HTTPS_PROXY https_proxy NODE_EXTRA_CA_CERTS npm_config_registry; do
    [ -n "${!name:-}" ] && settings+=(--env "$name=${!name}") || true
done
make_base() { # FOLDER PACKAGES NAME [SETTINGS...]
    if [ ! -x "$1/usr/bin/python3" ]; then
        debootstrap --variant=minbase --include="$2" bookworm "$1" >"$work/debootstrap.log" 2>&1 ||
            { tail -20 "$work/debootstrap.log" >&2; exit 1; }
        rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/usr/share/{doc,man,locale}
    fi
    made=$(buildah "${storage[@]}" from scratch)
    buildah "${storage[@]}" copy --quiet "$made" "$1" / >/dev/null
    [ $# -le 3 ] || buildah "${storage[@]}" config "${@:4}" "$made"
    buildah "${storage[@]}" commit --quiet "$made" "$3" >/dev/null
    buildah "${storage[@]}" rm "$made" >/dev/null
}
packages=python3,python3-venv,ca-certificates
make_base "$base_folder" "$packages" localhost/botproxy-base
make_base "$base_folder-build" "$packages,gcc,libc6-dev,python3-dev" localhost/botproxy-build-base "${settings[@]}"

echo "== the image"
volumes=()
[ -n "${PIP_CERT:-}" ] && volumes+=(--volume "$PIP_CERT:$PIP_CERT:ro") || true
[ -n "${NODE_EXTRA_CA_CERTS:-}" ] && [ "$NODE_EXTRA_CA_CERTS" != "${PIP_CERT:-}" ] &&
    volumes+=(--volume "$NODE_EXTRA_CA_CERTS:$NODE_EXTRA_CA_CERTS:ro") || true
buildah "${storage[@]}" build --quiet --pull-never --format docker "${volumes[@]}" \
    --build-arg BASE=localhost/botproxy-base --build-arg BUILD_BASE=localhost/botproxy-build-base --tag localhost/botproxy . >"$work/build.log" 2>&1 ||
    { tail -30 "$work/build.log" >&2; exit 1; }
container=$(buildah "${storage[@]}" from --pull-never localhost/botproxy)
mounted=$(buildah "${storage[@]}" mount "$container")
echo "base $(du -sm "$base_folder" | cut -f1) MB, image $(du -sm "$mounted" | cut -f1) MB, of it botproxy with all it needs $(du -sm "$mounted/opt/botproxy" | cut -f1) MB"

inspect() { buildah "${storage[@]}" inspect --type image --format "$1" localhost/botproxy; }
[ "$(inspect '{{.OCIv1.Config.User}}')" = botproxy ] || { echo "the image does not name its user" >&2; exit 1; }
[ "$(inspect '{{.Docker.Config.Healthcheck.Test}}')" = "[CMD botproxy health --quiet]" ] || { echo "the image has no health check" >&2; exit 1; }
compiled=$(find "$mounted/opt/botproxy" -path '*botproxy/proxy/*.so' | wc -l)
[ "$compiled" -gt 20 ] || { echo "the rooms on the way of a request are not compiled" >&2; exit 1; }
echo "$compiled compiled modules in proxy"
[ -s "$(find "$mounted/opt/botproxy" -path '*botproxy/challenges/assets/built/jsd.js')" ] || { echo "the script for browsers is not in the image" >&2; exit 1; }
echo "entry point $(inspect '{{.OCIv1.Config.Entrypoint}}') $(inspect '{{.OCIv1.Config.Cmd}}')"

echo "== running, read-only"
mkdir "$work/root"
mount --bind "$mounted" "$work/root"
mount -o remount,ro,bind "$work/root"
mount -t proc proc "$work/root/proc"
mount --bind /dev "$work/root/dev"
mount -t tmpfs -o uid=10001,gid=10001,mode=750 tmpfs "$work/root/data"
inside() {
    # The order matters: entering the chroot needs a right that is dropped right after.
    exec chroot "$work/root" env -i PATH=/opt/botproxy/bin:/usr/bin:/bin HOME=/data \
        PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 setpriv --reuid=10001 --regid=10001 --clear-groups \
        --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
}
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
origin=$(free_port) port=$(free_port) admin=$(free_port)
# As the container's own configuration has it, with addresses of this machine in place of the compose network's.
sed -e "s|http://origin:3000|http://127.0.0.1:$origin|" -e "s|address: :8080|address: 127.0.0.1:$port|" \
    -e "s|127.0.0.1:9090|127.0.0.1:$admin|" docker/config/botproxy.yaml >"$work/root/data/botproxy.yaml"
(inside botproxy demo --listen "127.0.0.1:$origin") >"$work/demo.log" 2>&1 &
processes+=($!)
(inside botproxy serve --config /data/botproxy.yaml) >"$work/serve.log" 2>&1 &
processes+=($!)
serve=$!

for _ in $(seq 100); do
    (inside botproxy health --quiet --admin "127.0.0.1:$admin") >/dev/null 2>&1 && break
    kill -0 "$serve" 2>/dev/null || { cat "$work/serve.log" >&2; exit 1; }
    sleep 0.2
done
(inside botproxy health --admin "127.0.0.1:$admin") || { cat "$work/serve.log" "$work/demo.log" >&2; exit 1; }
[ "$(stat -c %u "/proc/$serve")" = 10001 ] || { echo "it runs as another user" >&2; exit 1; }
(inside python3 -c 'open("/opt/botproxy/x", "w")') 2>/dev/null && { echo "the root file system is writable" >&2; exit 1; }
curl --silent --show-error --fail --max-time 10 "http://127.0.0.1:$port/" | grep -q "Skerry" && echo "a page came through"
(inside botproxy mode enforce --admin "127.0.0.1:$admin") >/dev/null
for _ in $(seq 50); do
    status=$(curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "http://127.0.0.1:$port/")
    [ "$status" = 403 ] && break
    sleep 0.1
done
[ "$status" = 403 ] || { echo "enforcing, curl got $status instead of a challenge" >&2; exit 1; }
echo "enforcing, curl is challenged"
[ -s "$work/root/data/secret" ] || { echo "no secret was made in the data volume" >&2; exit 1; }
kill -TERM "$serve"
wait "$serve" && echo "it ended cleanly on SIGTERM"
for _ in 1 2 3; do [ -s "$work/root/data/events.jsonl" ] && break; sleep 1; done
echo "events recorded: $(wc -l <"$work/root/data/events.jsonl")"
