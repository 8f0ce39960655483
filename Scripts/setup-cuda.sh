#!/bin/sh
# Brings libtorch's CUDA build as .deps/libtorch-cuda, for LIBTORCH. No GPU is needed to build with it or to run on the CPU.
# The packages lie side by side as in a site-packages folder, because that is where libtorch's own run paths look.
set -eu
cd "$(dirname "$0")/.."
. Scripts/common.sh

version=2.11.0
packages=Scripts/cuda-packages.txt
home=.deps/libtorch-cuda-$version
partial=.deps/partial-cuda

is_installed() { [ "$(cat "$home/.sha256" 2>/dev/null)" = "$pinned" ] && [ -e "$home/torch/lib/libtorch_cuda.so" ]; }

# pip accepts a package only for the platform tags it is told, and each of these packages was built for another.
platforms() {
  printf -- '--platform manylinux2014_x86_64 '
  for minor in $(seq 17 28); do printf -- '--platform manylinux_2_%s_x86_64 ' "$minor"; done
}

# pip checks the hashes that stand beside the names. Its temporary files lie where they can be renamed into place.
install() {
  say "downloading libtorch $version and NVIDIA's libraries (2.5 GB; 8 GB of disk while it runs, 4 GB after)"
  rm -rf "$partial"
  mkdir -p "$partial/tmp" .deps/downloads
  # shellcheck disable=SC2046 # A list of options.
  TMPDIR=$PWD/$partial/tmp with_progress "$partial" python3 -m pip install --quiet --disable-pip-version-check \
    --root-user-action=ignore --no-deps --no-compile --only-binary=:all: --implementation cp --python-version 311 \
    --abi cp311 --abi none $(platforms) --find-links .deps/downloads --target "$partial/packages" \
    --requirement "$packages" || {
    rm -rf "$partial"
    fail "that failed: $(grep '^ERROR:' "$log" | tail -n 1) (all of it in $log)
  Without a network: put the wheels that $packages names into $PWD/.deps/downloads/ and run this again."
  }
  echo "$pinned" >"$partial/packages/.sha256"
  rm -rf "$home"
  mv "$partial/packages" "$home"
  rm -rf "$partial"
}

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] || fail "the CUDA build is pinned for Linux on x86-64 only; set LIBTORCH"
has_pip || fail "python3 with pip is needed to get the CUDA build"
pinned=$(sha256sum <"$packages")
if ! is_installed; then
  take_lock
  is_installed || install
fi
ln -sfn "libtorch-cuda-$version/torch" .deps/libtorch-cuda
say "build with it: make test LIBTORCH=$PWD/.deps/libtorch-cuda"
