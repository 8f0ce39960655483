# What the two set-ups share: messages, progress, a lock, and the look at a libtorch. It is sourced, not run.
# shellcheck shell=sh

log=.deps/setup.log

say() { printf 'setup: %s\n' "$*" >&2; }

fail() {
  say "$*"
  exit 1
}

# Runs a command quietly, its words into the log, and shows on a terminal how many megabytes lie in folder $1.
with_progress() {
  folder=$1
  shift
  "$@" >"$log" 2>&1 9>&- &
  job=$!
  # A background job of a script ignores Ctrl-C, so it is ended by hand.
  trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$job" 2>/dev/null; do
    if [ -t 2 ]; then printf '\r  %s MB ' "$(du -sm "$folder" 2>/dev/null | cut -f1)" >&2; fi
    sleep 1
  done
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
  trap - INT TERM
  wait "$job"
}

# Holds back a second set-up of the same checkout until this one is done.
take_lock() {
  mkdir -p .deps
  exec 9>.deps/.lock
  if command -v flock >/dev/null; then flock 9; fi
}

has_pip() { python3 -m pip --version >/dev/null 2>&1; }

# The version that the headers of the libtorch in folder $1 state, such as 2.13.0; nothing where there are none.
libtorch_version() {
  sed -n 's/^#define TORCH_VERSION_\(MAJOR\|MINOR\|PATCH\) \([0-9][0-9]*\)$/\2/p' \
    "$1/include/torch/headeronly/version.h" "$1/include/torch/csrc/api/include/torch/version.h" 2>/dev/null |
    paste -s -d . -
}

# Refuses a folder that is no libtorch, or one of a version whose interface CTorch is not written for.
check_libtorch() {
  found=$(libtorch_version "$1")
  if [ -z "$found" ] || ! ls "$1"/lib/libtorch_cpu.* >/dev/null 2>&1; then
    fail "$1 is no libtorch (no lib/libtorch_cpu or no headers); LIBTORCH names a libtorch folder or a site-packages/torch"
  fi
  case $found in
    2.11.* | 2.12.* | 2.13.* | 2.14.* | 2.15.*) ;;
    *) fail "$1 holds libtorch $found; Kindred needs 2.11 to 2.15: set LIBTORCH to one of these, or unset it" ;;
  esac
}
