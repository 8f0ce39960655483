#!/bin/sh
# Tries Kindred as another package's dependency: tags a clone of the last commit with a version, builds Tests/Outside,
# which names that version, and runs it; so it does with the sources of Examples/OwnKindred, a command with a network of its own.
# What is not committed is not tried.
set -eu
cd "$(dirname "$0")/.."
folder=.build/outside
# A version of its own for each commit, because SwiftPM remembers what a version was.
version=0.1.$(git log -1 --format=%ct)

[ -z "$(git status --porcelain)" ] || echo "outside: there are changes that are not committed; they are not tried" >&2
mkdir -p "$folder/package"
rm -rf "$folder/kindred.git"
git clone --quiet --bare --no-tags . "$folder/kindred.git"
git -C "$folder/kindred.git" tag "$version" HEAD
cp -R Tests/Outside/. Examples/OwnKindred/. "$folder/package"
cp Tests/Outside/Package.swift "$folder/package"

PKG_CONFIG_PATH=$PWD/.deps/pkgconfig
export PKG_CONFIG_PATH
cd "$folder/package"
# Without this, SwiftPM stays with the version of the time before.
swift package update kindred
grep -q "\"$version\"" Package.resolved || { echo "outside: SwiftPM did not take Kindred $version" >&2; exit 1; }
swift build
env -u LD_LIBRARY_PATH .build/debug/Outside
env -u LD_LIBRARY_PATH .build/debug/OwnKindred inspect teacher.yaml
echo "outside: a package builds and runs with Kindred $version"
