#!/bin/sh
# Brings what a build needs beside Swift: the headers of libcurl, libpng, OpenSSL and zlib, and libtorch for the CPU as .deps/libtorch.
# When all is in place it only looks. LIBTORCH names a libtorch of one's own: then nothing is fetched.
set -eu
cd "$(dirname "$0")/.."
. Scripts/common.sh

version=2.13.0
home=.deps/libtorch-$version
downloads=.deps/downloads
partial=.deps/partial

require_swift() {
  command -v swift >/dev/null || fail "no 'swift' on the PATH; install Swift 6.1 or later: https://www.swift.org/install"
}

has_headers() {
  compiler=$(dirname "$(readlink -f "$(command -v swift)")")/clang
  [ -x "$compiler" ] || compiler=cc
  "$compiler" -x c -fsyntax-only -include curl/curl.h -include png.h -include openssl/evp.h -include zlib.h /dev/null 2>/dev/null
}

require_headers() {
  if has_headers; then return; fi
  install="apt-get install -y --no-install-recommends libcurl4-openssl-dev libpng-dev libssl-dev zlib1g-dev"
  command -v apt-get >/dev/null || fail "the headers of libcurl, libpng, OpenSSL and zlib are missing; install them (on Debian: $install)"
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    fail "the headers of libcurl, libpng, OpenSSL and zlib are missing; run: sudo $install"
  fi
  say "installing the Debian packages libcurl4-openssl-dev, libpng-dev, libssl-dev and zlib1g-dev"
  mkdir -p .deps
  # shellcheck disable=SC2086 # Both are lists of words.
  { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1 ||
    fail "that failed: $(grep '^E:' "$log" | tail -n 1) (all of it in $log); run: sudo $install"
  has_headers || fail "they are installed, yet $compiler does not find curl/curl.h, png.h, openssl/evp.h and zlib.h"
}

# The wheel is a plain archive: any Python, or none, unpacks it. One tag therefore serves every machine of a kind.
choose_wheel() {
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) sha256=6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b ;;
    Linux-aarch64) sha256=84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7 ;;
    *) fail "no libtorch is pinned for $(uname -s) on $(uname -m); set LIBTORCH to a libtorch folder, version 2.11 to 2.15" ;;
  esac
  platform=manylinux_2_28_$(uname -m)
  wheel=torch-$version+cpu-cp311-cp311-$platform.whl
  upstream=https://download.pytorch.org/whl/cpu
  address=$upstream/torch-$version%2Bcpu-cp311-cp311-$platform.whl
}

is_genuine() { [ -f "$1" ] && [ "$(sha256sum <"$1")" = "$sha256  -" ]; }

is_unpacked() {
  [ "$(cat "$home/.sha256" 2>/dev/null)" = "$sha256" ] &&
    [ -e "$home/torch/lib/libtorch_cpu.so" ] && [ -e "$home/torch/lib/libc10.so" ] && [ -d "$home/torch/include/ATen" ]
}

pip_download() {
  has_pip || return 1
  # pip keeps what it has not got in full under TMPDIR, where the progress sees it.
  TMPDIR=$PWD/$partial with_progress "$partial" python3 -m pip download --quiet --disable-pip-version-check --no-deps \
    --only-binary=:all: --platform "$platform" --implementation cp --python-version 311 --abi cp311 \
    --dest "$partial" "$@" "torch==$version+cpu"
}

curl_download() {
  command -v curl >/dev/null || return 1
  with_progress "$partial" curl --silent --show-error --fail --location --retry 3 --output "$partial/$wheel" "$address"
}

# Tries one source, named $1; whether the right file came is decided by its hash alone.
try() {
  source=$1
  shift
  rm -rf "$partial"
  mkdir -p "$partial" "$downloads"
  if ! "$@"; then return 1; fi
  if ! is_genuine "$partial/$wheel"; then
    say "$source gave a file whose SHA-256 is not that of $wheel; it is not used"
    return 1
  fi
  mv "$partial/$wheel" "$downloads/$wheel"
}

fetch() {
  if is_genuine "$downloads/$wheel"; then return; fi
  if [ -e "$downloads/$wheel" ]; then
    say "$downloads/$wheel is broken (its SHA-256 is wrong); fetching it anew"
    rm -f "$downloads/$wheel"
  fi
  say "downloading libtorch $version for the CPU (about 180 MB)"
  try "the Python index" pip_download || try "$upstream" pip_download --index-url "$upstream" ||
    try "$upstream" curl_download || {
    rm -rf "$partial"
    fail "libtorch could not be downloaded: is there a network, and python3 with pip or curl?
  Without a network: get $address
  elsewhere, put it into $PWD/$downloads/ and run this again; or set LIBTORCH to a libtorch folder."
  }
}

unpack() {
  say "unpacking $wheel"
  rm -rf "$partial"
  mkdir -p "$partial"
  if command -v unzip >/dev/null; then
    unzip -q "$downloads/$wheel" -d "$partial"
  elif command -v python3 >/dev/null; then
    python3 -m zipfile -e "$downloads/$wheel" "$partial"
  else
    fail "neither unzip nor python3 is there to unpack $wheel; install one of them"
  fi || fail "$wheel could not be unpacked into $PWD/.deps; is the disk full? It needs 1 GB"
  echo "$sha256" >"$partial/.sha256"
  # What is renamed is whole; whatever was interrupted before this line is thrown away by the next run.
  rm -rf "$home"
  mv "$partial" "$home"
}

require_libtorch() {
  if [ -n "${LIBTORCH:-}" ]; then
    check_libtorch "$LIBTORCH"
    return
  fi
  choose_wheel
  if ! is_unpacked; then
    take_lock
    if ! is_unpacked; then
      fetch
      unpack
      say "libtorch $version is in $home"
    fi
  fi
  if [ "$(readlink .deps/libtorch)" != "libtorch-$version/torch" ]; then
    ln -sfn "libtorch-$version/torch" .deps/libtorch
  fi
}

require_swift
require_headers
require_libtorch
