#!/bin/sh
# Unpacks the archive that dist.sh made on bare systems, made anew with nothing but their package manager, and uses it there as
# its users do, without a network. Arguments are systems such as debian:bookworm (the usual one), debian:trixie or ubuntu:jammy.
# Has to be root: systems are made with mmdebstrap, which is installed where it is missing.
set -eu
cd "$(dirname "$0")/.."

say() { echo "try-dist: $*"; }

fail() {
  echo "try-dist: $*" >&2
  exit 1
}

require_mmdebstrap() {
  if command -v mmdebstrap >/dev/null; then return; fi
  say "installing the Debian package mmdebstrap"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends mmdebstrap; } \
    >"$work/log" 2>&1 ||
    fail "mmdebstrap could not be installed: $(grep '^E:' "$work/log" | tail -n 1); run: apt-get install mmdebstrap"
}

[ "$(id -u)" = 0 ] || fail "only root can make and enter another system; run: sudo make try-dist"
version=$(sed -n 's/^package let kindredVersion = "\(.*\)"$/\1/p' Sources/KindredExperiments/Version.swift)
name=kindred-$version-linux-$(uname -m)
archive=.build/dist/$name.tar.gz
[ -f "$archive" ] || fail "$archive is not there; run: make dist"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
require_mmdebstrap

make_system() {
  case $1 in
    debian:*) set -- "${1#*:}" http://deb.debian.org/debian /usr/share/keyrings/debian-archive-keyring.gpg ;;
    ubuntu:*)
      set -- "${1#*:}" http://archive.ubuntu.com/ubuntu /usr/share/keyrings/ubuntu-archive-keyring.gpg
      [ -e "$3" ] || fail "$3 is not there, which vouches for Ubuntu's packages; it comes in Ubuntu's package ubuntu-keyring"
      ;;
    *) fail "$1: systems are debian:NAME or ubuntu:NAME" ;;
  esac
  rm -rf "$work/root"
  mmdebstrap --quiet --variant=apt --keyring="$3" "$1" "$work/root" "$2" 2>"$work/log" ||
    fail "mmdebstrap $1: $(tail -n 1 "$work/log")"
}

cat >"$work/inside.sh" <<'END'
set -eu
for program in swift python3 curl; do
  if command -v $program >/dev/null; then echo "this system has $program"; exit 1; fi
done
mkdir /trial
cd /trial
tar -xzf /archive.tar.gz
mv kindred-* elsewhere
export PATH="$PATH:/trial/elsewhere/bin" HOME=/trial LC_ALL=C
kindred --version
kindred doctor
cat >teacher.yaml <<YAML
data: {set: textures, train_images: 160, test_images: 40}
student: {network: resnet-8}
training: {epochs: 1, batch_size: 32, threads: 1}
YAML
printf 'extends: teacher.yaml\nteacher: {network: resnet-8, weights: teacher}\nlosses: {kd: {}, sp: {weight: auto}}\n' >student.yaml
kindred train teacher.yaml --out teacher --quiet
kindred distill student.yaml --out student --processes 2 --quiet --tensorboard
kindred compare teacher.yaml --seeds 2 --quiet
kindred figure similarity teacher student --output similarity.svg
kindred data preview textures --out sheet.svg
kindred export student --output student.onnx
kindred export student --precision int8 --output int8.onnx --largest-top1-drop 100 --largest-gram-error 1 \
  --smallest-gram-correlation 0
kindred evaluate student.onnx | tail -n 1
for file in student/weights.safetensors student/tensorboard runs/table.tex similarity.svg sheet.svg int8.onnx \
  elsewhere/share/man/man1/kindred-train.1 elsewhere/share/bash-completion/completions/kindred; do
  [ -s "$file" ] || { echo "$file is missing"; exit 1; }
done
END

for system in "${@:-debian:bookworm}"; do
  make_system "$system"
  cp "$archive" "$work/root/archive.tar.gz"
  cp "$work/inside.sh" "$work/root/inside.sh"
  if ! unshare --mount --net --pid --fork sh -c \
    'mount -t proc proc "$1/proc" && ip link set lo up 2>/dev/null; exec chroot "$1" /bin/sh /inside.sh' _ "$work/root" \
    >"$work/log" 2>&1; then
    fail "$system: $(tail -n 5 "$work/log")"
  fi
  sed "s/^/  /" "$work/log"
  say "$system, whose glibc is $(chroot "$work/root" ldd --version | sed -n '1s/.* //p'): $(basename "$archive") runs there"
done
