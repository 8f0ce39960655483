#!/bin/sh
# Sets up both sides of the benchmark, asking nothing, then measures them in turn. Arguments go to report.py.
# The Python side runs the PyTorch that belongs to the libtorch Kindred is built with, so that both run the same kernels.
set -eu
cd "$(dirname "$0")/.."

PYTHONPATH=$(Scripts/setup-python.sh)
export PYTHONPATH

case " $* " in
  *" --python-only "* | *" --help "* | *" -h "*) ;;
  *) swift build -c release --product kindred-bench ;;
esac
exec python3 Benchmarks/report.py "$@"
