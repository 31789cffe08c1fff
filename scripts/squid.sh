#!/usr/bin/env bash
# Brings the Squid that the real-client tests drive: 6.13 or later, unpacked into a folder, nothing installed on the system.
# (Squid before 6.13 stalls on RESPMOD bodies over 64 KiB: squid-cache/squid#1777. Debian 12 has 5.7.)
#
#   scripts/squid.sh get [DIR]             unpacks it into DIR (.cache/squid of the checkout) once; prints its root
#   scripts/squid.sh run [DIR] CONF NAME   becomes that Squid, in the foreground; NAME keeps instances apart in /dev/shm
#
# CONF needs `pinger_enable off`, `mime_table` and `error_directory` of the unpacked root, and, as root,
# `cache_effective_user` with logs in a folder which that user may write.
set -euo pipefail

release=${SQUID_RELEASE:-trixie} # bookworm: Squid 5.7, for the tests of trickle mode
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 2; }
squid_of() { ls "$1"/root/usr/sbin/squid-openssl "$1"/root/usr/sbin/squid 2>/dev/null | head -1 || true; }

# The machine's own Debian mirror, asked for the release that has the right Squid.
mirror() {
  apt-get indextargets --format '$(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null \
    | awk '$2 == "main" && $1 !~ /security/ { print $1; exit }'
}

get() {
  local dir=$1 uri deb options
  if [ -f "$dir/complete" ]; then echo "$dir/root"; return; fi
  uri=$(mirror)
  [ -n "$uri" ] || { echo 'squid.sh: apt names no Debian mirror here (run apt-get update?)' >&2; exit 1; }
  # Made beside its place and moved there whole: a run that is cut off leaves nothing half done, and two runs do not mix.
  mkdir -p "$(dirname "$dir")"
  part=$(mktemp -d "$dir.XXXXXX"); trap 'rm -rf -- "$part"' EXIT # (not local: the trap outlives the function)
  chmod 755 "$part"; mkdir -p "$part"/{state/lists/partial,cache/archives/partial,root}; : >"$part/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $uri $release main" >"$part/sources.list"
  options=(
    -o Dir::State="$part/state" -o Dir::State::status="$part/status" -o Dir::Cache="$part/cache"
    -o Dir::Etc::SourceList="$part/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o Debug::NoLocking=1 -o APT::Install-Recommends=0 -o APT::Sandbox::User=root -o Acquire::Retries=3
  )
  apt-get "${options[@]}" -qq update >&2
  # With an empty status file every library comes along, so that it runs on an older system.
  apt-get "${options[@]}" -qq -y --download-only install squid-openssl >/dev/null
  for deb in "$part"/cache/archives/*.deb; do dpkg -x "$deb" "$part/root"; done
  [ -n "$(squid_of "$part")" ] || { echo 'squid.sh: the packages hold no Squid' >&2; exit 1; }
  rm -rf -- "$part/state" "$part/cache"; : >"$part/complete"
  rm -rf -- "$dir"; mv -T "$part" "$dir" 2>/dev/null || [ -f "$dir/complete" ]
  echo "$dir/root"
}

run() {
  local dir=$1 conf=$2 name=$3 lib bin
  # (Debian 12's packages have part of their libraries in /lib.)
  local gnu; gnu=$(uname -m)-linux-gnu
  lib=$dir/root/usr/lib/$gnu:$dir/root/lib/$gnu; bin=$(squid_of "$dir")
  [ -n "$bin" ] || { echo "squid.sh: no Squid in $dir: scripts/squid.sh get" >&2; exit 1; }
  exec "$(ls "$dir"/root/usr/lib/"$gnu"/ld-linux-*.so.* "$dir"/root/lib/"$gnu"/ld-linux-*.so.* 2>/dev/null | head -1)" \
    --library-path "$lib" "$bin" -n "$name" -N -f "$conf"
}

case "${1-}:$#" in
  get:1) get "$here/.cache/squid" ;;
  get:2) get "$(realpath -m "$2")" ;;
  run:3) run "$here/.cache/squid" "$(realpath "$2")" "$3" ;;
  run:4) run "$(realpath -m "$2")" "$(realpath "$3")" "$4" ;;
  *) usage ;;
esac
