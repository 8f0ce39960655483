#!/bin/sh
# Puts what dist.sh has laid out into the folder $2 ($1 is install), or takes it away again ($1 is uninstall): bin/kindred,
# lib/kindred, share/doc/kindred, the manual's pages and the shells' completions. What is in no place of its own is removed by
# the list that installing leaves in lib/kindred.
set -eu
prefix=${2%/}
list=$prefix/lib/kindred/installed.txt

tell() { printf '%s: %s\n' "$action" "$*" >&2; }

stop() {
  tell "$*"
  exit 1
}

remove() {
  [ -f "$list" ] || return 1
  while read -r file; do rm -f "$prefix/$file"; done <"$list"
  rm -f "$list"
  # Folders that nothing is left in, of those that are Kindred's alone.
  for folder in lib/kindred share/doc/kindred; do
    if [ -d "$prefix/$folder" ]; then find "$prefix/$folder" -depth -type d -empty -delete; fi
  done
}

install() {
  cd "$(dirname "$0")/.."
  version=$(sed -n 's/^package let kindredVersion = "\(.*\)"$/\1/p' Sources/KindredExperiments/Version.swift)
  stage=.build/dist/kindred-$version-linux-$(uname -m)
  [ -x "$stage/bin/kindred" ] || stop "$stage holds no kindred; use 'make install'"
  mkdir -p "$prefix" && [ -w "$prefix" ] || stop "$prefix cannot be written to; name another PREFIX, or use sudo"
  # What an older version had and this one has not must not stay.
  remove || true
  cp -R "$stage/." "$prefix/"
  (cd "$stage" && find . -type f | sed 's/^\.\///' | LC_ALL=C sort) >"$list"
  tell "kindred $version is in $prefix"
  case ":$PATH:" in *":$prefix/bin:"*) ;; *) tell "$prefix/bin is not on the PATH" ;; esac
}

action=${1:-}
case $action in
  install) install ;;
  uninstall) remove || stop "no kindred has been installed in $prefix" ;;
  *) stop "install or uninstall, and where" ;;
esac
