#!/usr/bin/env bash
# Starts an image that buildah holds, as its own user, sends one good request and one attack, and stops it.
set -euo pipefail
image=$1
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
container=$(buildah from "localhost/$image")
port=18080 admin=18090
log=$(mktemp)
cleanup() {
  kill "${runner:-0}" 2>/dev/null || true
  pkill -TERM -f "bin/portcullis up --data /data --listen 127.0.0.1:$port" 2>/dev/null || true
  wait "${runner:-0}" 2>/dev/null || true
  buildah rm "$container" >/dev/null
  rm -f "$log"
}
trap cleanup EXIT
buildah run "$container" -- sh -c '[ "$(id -u)" = 1000 ] && ! touch /app/x 2>/dev/null && ! touch /x 2>/dev/null' ||
  { echo "the image does not run as its own user on a closed root"; exit 1; }
buildah run "$container" -- node /app/bin/portcullis up --demo --data /data --listen 127.0.0.1:$port --admin 127.0.0.1:$admin >"$log" 2>&1 &
runner=$!
for _ in $(seq 100); do
  if curl -fsS "http://127.0.0.1:$admin/ready" >/dev/null 2>&1; then break; fi
  kill -0 "$runner" 2>/dev/null || { cat "$log"; exit 1; }
  sleep 0.3
done
good=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/")
attack=$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20")
echo "good request: $good, attack: $attack"
[ "$good" = 200 ] && [ "$attack" = 403 ] || { tail -n 40 "$log"; exit 1; }
