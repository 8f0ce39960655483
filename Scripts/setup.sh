#!/bin/sh
# Brings what a build needs beside Swift: the headers of libcurl, libjpeg-turbo, libpng, libwebp, OpenSSL and zlib, and libtorch for the CPU as .deps/libtorch.
# What SwiftPM is to know of libtorch it writes into .deps/pkgconfig/kindred-libtorch.pc.
# When all is in place it only looks. LIBTORCH names a libtorch of one's own: then nothing is fetched.
set -eu
cd "$(dirname "$0")/.."
. Scripts/common.sh

version=2.13.0
home=.deps/libtorch-$version
downloads=.deps/downloads
partial=.deps/partial
pkgconfig=$PWD/.deps/pkgconfig

require_swift() {
  command -v swift >/dev/null || fail "no 'swift' on the PATH; install Swift 6.1 or later: https://www.swift.org/install"
  compiler=$(dirname "$(readlink -f "$(command -v swift)")")/clang
  [ -x "$compiler" ] || compiler=cc
}

has_headers() {
  "$compiler" -x c -fsyntax-only -include curl/curl.h -include turbojpeg.h -include png.h -include webp/demux.h \
    -include openssl/evp.h -include zlib.h /dev/null 2>/dev/null
}

require_headers() {
  if has_headers; then return; fi
  install="apt-get install -y --no-install-recommends libcurl4-openssl-dev libturbojpeg0-dev libpng-dev libwebp-dev libssl-dev zlib1g-dev"
  command -v apt-get >/dev/null || fail "the headers of libcurl, libjpeg-turbo, libpng, libwebp, OpenSSL and zlib are missing; install them (on Debian: $install)"
  if [ "$(id -u)" = 0 ]; then
    as_root=
  elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    fail "the headers of libcurl, libjpeg-turbo, libpng, libwebp, OpenSSL and zlib are missing; run: sudo $install"
  fi
  say "installing the Debian packages libcurl4-openssl-dev, libturbojpeg0-dev, libpng-dev, libwebp-dev, libssl-dev and zlib1g-dev"
  mkdir -p .deps
  # shellcheck disable=SC2086 # Both are lists of words.
  { $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive $install; } >"$log" 2>&1 ||
    fail "that failed: $(grep '^E:' "$log" | tail -n 1) (all of it in $log); run: sudo $install"
  has_headers || fail "they are installed, yet $compiler does not find curl/curl.h, turbojpeg.h, png.h, webp/demux.h, openssl/evp.h and zlib.h"
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
    libtorch=$(cd "$LIBTORCH" && pwd -P)
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
  libtorch=$(cd .deps/libtorch && pwd -P)
}

# CUDA's own headers, which capturing graphs is compiled with: beside a libtorch that came as packages, else in a
# toolkit. Without them everything else still works.
cuda_headers() {
  for folder in "$libtorch/../nvidia/cu13/include" "${CUDA_HOME:-/usr/local/cuda}/include"; do
    if [ -e "$folder/cuda_runtime.h" ] && [ -e "$folder/crt/host_config.h" ]; then
      (cd "$folder" && pwd -P)
      return
    fi
  done
}

# An option and its path, as a pkg-config file spells them.
flag() { printf ' %s%s' "$1" "$(printf '%s' "$2" | sed 's/ /\\ /g')"; }

describe_libtorch() {
  # shellcheck disable=SC2086 # A list of words.
  cat <<END
Name: kindred-libtorch
Description: libtorch as Kindred uses it
Version: $(libtorch_version "$libtorch")
Cflags:$(flag -I "$libtorch/include")$(flag -I "$libtorch/include/torch/csrc/api/include")$cuda_flag
Libs:$(flag -L "$pkgconfig")$(printf ' -lkindred_%s' $libraries)$(flag -L "$libtorch/lib")$(printf ' -l%s' $libraries)
END
}

# SwiftPM takes -I, -L and -l from a pkg-config file, but no run path. So each library has a stand-in, which is linked
# before it: empty, and bearing as its name (SONAME) the full path of the library, which the built program then loads.
# That holds for a library of which no symbol is used, too: the CUDA one registers its kernels when it is loaded.
write_pkg_config() {
  libraries="c10 torch_cpu"
  cuda_flag=
  if [ -e "$libtorch/lib/libtorch_cuda.so" ]; then
    libraries="$libraries c10_cuda torch_cuda"
    headers=$(cuda_headers)
    if [ -n "$headers" ]; then cuda_flag=$(flag -I "$headers"); fi
    # Of processes that share a batch each with a device of its own.
    nccl=$libtorch/../nvidia/nccl/include
    if [ -e "$nccl/nccl.h" ]; then cuda_flag="$cuda_flag$(flag -I "$nccl")"; fi
  fi
  description=$(describe_libtorch)
  if [ "$(cat "$pkgconfig/kindred-libtorch.pc" 2>/dev/null)" = "$description" ]; then return; fi
  take_lock
  mkdir -p "$pkgconfig"
  rm -f "$pkgconfig/kindred-libtorch.pc"
  for library in $libraries; do
    "$compiler" -shared -nostdlib -x c /dev/null -o "$pkgconfig/libkindred_$library.so" \
      -Xlinker -soname -Xlinker "$libtorch/lib/lib$library.so" >"$log" 2>&1 ||
      fail "$compiler could not link a library: $(tail -n 1 "$log")"
  done
  printf '%s\n' "$description" >"$pkgconfig/kindred-libtorch.pc"
  # SwiftPM goes by what it planned before, unless the manifest is newer.
  touch Package.swift
  say "a package that depends on Kindred builds with: export PKG_CONFIG_PATH=\"$pkgconfig\""
}

require_swift
require_headers
require_libtorch
write_pkg_config
