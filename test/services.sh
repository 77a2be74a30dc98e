#!/usr/bin/env bash
# Finds what the tests need besides npm, and installs what is missing from Debian packages.
set -euo pipefail
# command=package
needed=(7zz=7zip bsdtar=libarchive-tools bwrap=bubblewrap c-icap-client=c-icap clamdscan=clamdscan curl=curl gcab=gcab genisoimage=genisoimage ionice=util-linux mariadbd=mariadb-server mkfifo=coreutils nginx=nginx pkill=procps prlimit=util-linux redis-server=redis-server xz=xz-utils zip=zip zstd=zstd)
missing=()
for need in "${needed[@]}"; do command -v "${need%%=*}" >/dev/null || missing+=("${need##*=}"); done
if [ ${#missing[@]} -eq 0 ]; then
  echo "all services of the tests are here"
elif [ "$(id -u)" -ne 0 ]; then
  echo "missing: ${missing[*]}; install with: sudo apt-get install ${missing[*]}" >&2
  exit 1
else
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
fi
