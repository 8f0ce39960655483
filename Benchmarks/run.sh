#!/bin/sh
# Sets up both sides of the benchmark, asking nothing, then measures them in turn. Arguments go to report.py.
# The Python side uses the libtorch Kindred is built with where that came as a wheel for this machine's Python, so that
# both sides run the same kernels; else it installs the same version of torch under .deps/python.
set -eu
cd "$(dirname "$0")/.."

libtorch=${LIBTORCH:-$PWD/.deps/libtorch}
if [ ! -d "$libtorch/lib" ]; then
  echo "bench: no libtorch in $libtorch; run 'make setup' first or set LIBTORCH" >&2
  exit 1
fi
libtorch=$(cd "$libtorch" && pwd -P)

python_version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
extension=$(python3 -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')
packages=$PWD/.deps/python/$python_version

install() {
  python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
    --upgrade --target "$packages" "$@"
}

if [ -e "$libtorch/_C$extension" ]; then
  export PYTHONPATH="$(dirname "$libtorch"):$packages"
  requirements="typing_extensions sympy networkx jinja2 fsspec filelock numpy"
else
  export PYTHONPATH="$packages"
  version=$(cat "$libtorch/build-version" 2>/dev/null || sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py")
  requirements="torch==$version numpy"
fi
if ! python3 -W ignore -c 'import numpy, torch' 2>/dev/null; then
  echo "bench: installing $requirements into $packages"
  # The index may offer the release without the local part of the version, such as +cpu.
  # shellcheck disable=SC2086
  install $requirements || install $(echo "$requirements" | sed 's/+[a-z0-9]*//') || {
    echo "bench: pip could not install: $requirements" >&2
    exit 1
  }
fi

case " $* " in
  *" --python-only "* | *" --help "* | *" -h "*) ;;
  *) swift build -c release --product kindred-bench ;;
esac
exec python3 Benchmarks/report.py "$@"
