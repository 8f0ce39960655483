#!/bin/sh
# Makes kindred-VERSION-linux-ARCH.tar.gz in .build/dist: the command with what of libtorch, Swift and the system it needs, so
# that a machine with nothing but a Debian's or Ubuntu's base runs it. The folder that is packed stays beside the archive, laid
# out as an installation is (bin, lib/kindred, share), which is what 'make install' copies.
#
# The same commit on the same machine gives the same bytes. Libraries of the system come from this machine's Debian packages.
set -eu
cd "$(dirname "$0")/.."
. Scripts/common.sh

scratch=.build/dist
# Every system that has apt has these.
system='ld-linux.*|libc|libm|libdl|libpthread|librt|libresolv|libgcc_s|libstdc\+\+'

version=$(sed -n 's/^package let kindredVersion = "\(.*\)"$/\1/p' Sources/KindredExperiments/Version.swift)
name=kindred-$version-linux-$(uname -m)
stage=$scratch/$name
libraries=$stage/lib/kindred
documents=$stage/share/doc/kindred
# What files are dated by, the last commit's time, so that nothing depends on when this runs.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

tell() { printf 'dist: %s\n' "$*" >&2; }

stop() {
  tell "$*"
  exit 1
}

need() {
  for tool in "$@"; do command -v "$tool" >/dev/null || stop "$tool is needed; on Debian: apt-get install binutils dpkg"; done
}

# libtorch is linked without the stand-ins that name it by its full path, which are of no use to a file that moves. An RPATH,
# and no RUNPATH, is where libraries look for theirs too.
build() {
  mkdir -p "$scratch/pkgconfig"
  sed 's/ -lkindred_[a-z0-9_]*//g' .deps/pkgconfig/kindred-libtorch.pc >"$scratch/pkgconfig/kindred-libtorch.pc"
  export KINDRED_LIBTORCH_BY_NAME=1 PKG_CONFIG_PATH="$PWD/$scratch/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}"
  set -- -c release --product kindred --static-swift-stdlib --disable-local-rpath --scratch-path "$scratch" \
    -Xlinker --disable-new-dtags -Xlinker -rpath -Xlinker "\$ORIGIN/../lib/kindred"
  swift build "$@"
  binary=$(swift build "$@" --show-bin-path)/kindred
}

# The libraries that a file loads, by path, but for what every system has and what is passed over.
loaded() {
  LD_LIBRARY_PATH=$torch ldd "$1" | sed -n 's/.* => \(\/[^ ]*\) .*/\1/p' | sort -u | grep -vE "/($system)\.so[.0-9]*$"
}

# One library by the name it is loaded by, without the symbols that only debuggers read.
ship() {
  cp -L "$1" "$libraries/$(basename "$1")"
  chmod 755 "$libraries/$(basename "$1")"
  strip --strip-unneeded "$libraries/$(basename "$1")"
}

stage_command() {
  rm -rf "$stage"
  mkdir -p "$stage/bin" "$libraries" "$documents/licences"
  cp "$binary" "$stage/bin/kindred"
  strip --strip-all "$stage/bin/kindred"
  torch=$(cd .deps/libtorch/lib && pwd -P)
  loaded "$binary" >"$scratch/libraries.txt"
  while read -r library; do ship "$library"; done <"$scratch/libraries.txt"
  env -u LD_LIBRARY_PATH "$stage/bin/kindred" --version >/dev/null || stop "$stage/bin/kindred does not start"
  if LC_ALL=C readelf -d "$stage/bin/kindred" | grep -q 'NEEDED.*\[/'; then
    stop "$stage/bin/kindred names a library by its path"
  fi
}

# The package of Debian that a file of the system belongs to. Packages may know /usr/lib by its old name, /lib.
package_of() {
  file=$(readlink -f "$1")
  { dpkg -S "$file" 2>/dev/null || dpkg -S "${file#/usr}" 2>/dev/null; } | sed 's/: .*//; s/:.*//; q'
}

# Each library's licence, and the licences that Debian's refer to by name.
stage_licences() {
  licences=$documents/licences
  cp LICENSE "$licences/kindred.txt"
  swift=$(dirname "$(dirname "$(readlink -f "$(command -v swift)")")")
  cp "$swift/share/swift/LICENSE.txt" "$licences/swift.txt"
  for package in swift-argument-parser swift-protobuf Yams; do
    cp "$scratch/checkouts/$package"/LICENSE* "$licences/$package.txt"
  done
  cp -R "$(dirname "$torch")"/../torch-*.dist-info/licenses "$licences/libtorch"
  list=$licences/README.md
  cat >"$list" <<END
# What is shipped beside Kindred, and its licences

Linked into \`bin/kindred\`: Swift's standard library, Foundation with ICU, and libdispatch (swift.txt),
swift-argument-parser, swift-protobuf and Yams with libyaml. libtorch's own licence and those of what it contains are in libtorch/.
The rest are Debian's packages, unchanged but for debugging symbols; their sources are at
https://snapshot.debian.org/package/SOURCE/VERSION/.

| file in lib/kindred | bytes | from | source and version | licence |
|---|---:|---|---|---|
END
  while read -r library; do
    name_of_file=$(basename "$library")
    size=$(stat -c %s "$libraries/$name_of_file")
    case $library in
      "$torch"/libgomp*) source="GCC's, from PyTorch's wheel|-|libgomp1.txt"; copyright=libgomp1 ;;
      "$torch"/*) source="PyTorch's wheel|$(libtorch_version "$torch/..")|libtorch/"; copyright= ;;
      *)
        copyright=$(package_of "$library")
        [ -n "$copyright" ] || stop "$library belongs to no package of Debian; its licence is not known"
        # shellcheck disable=SC2016 # dpkg's own variables.
        source="$copyright|$(dpkg-query -W -f '${source:Package} ${source:Version}' "$copyright" | sed 1q)|$copyright.txt"
        ;;
    esac
    if [ -n "$copyright" ]; then cp -L "/usr/share/doc/$copyright/copyright" "$licences/$copyright.txt"; fi
    echo "$name_of_file|$size|$source" | sed 's/|/ | /g; s/^/| /; s/$/ |/' >>"$list"
  done <"$scratch/libraries.txt"
  mkdir -p "$licences/common"
  grep -hoE '/usr/share/common-licenses/[A-Za-z0-9.-]*[A-Za-z0-9]' "$licences"/*.txt | sort -u | while read -r text; do
    if [ -f "$text" ]; then cp -L "$text" "$licences/common/"; fi
  done
}

stage_completions() {
  mkdir -p "$stage/share/bash-completion/completions" "$stage/share/zsh/site-functions" \
    "$stage/share/fish/vendor_completions.d"
  "$stage/bin/kindred" --generate-completion-script bash >"$stage/share/bash-completion/completions/kindred"
  "$stage/bin/kindred" --generate-completion-script zsh >"$stage/share/zsh/site-functions/_kindred"
  "$stage/bin/kindred" --generate-completion-script fish >"$stage/share/fish/vendor_completions.d/kindred.fish"
}

stage_documents() {
  cp README.md CHANGELOG.md "$documents/"
  cp -R docs "$documents/docs"
  mkdir -p "$documents/examples"
  git ls-files Experiments Snippets | while read -r file; do
    mkdir -p "$documents/examples/$(dirname "$file")"
    cp "$file" "$documents/examples/$file"
  done
}

# The newest version of one of the C library's or C++ library's interfaces that something shipped asks for.
newest() {
  find "$stage/bin" "$libraries" -type f -exec readelf -VW {} + 2>/dev/null | grep -oE "$1_[0-9]+(\.[0-9]+)+" | sort -uV |
    tail -n 1
}

pack() {
  find "$stage" -type d -exec chmod 755 {} +
  tar --sort=name --format=gnu --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=go-w \
    -C "$scratch" -cf - "$name" | gzip -9 -n >"$scratch/$name.tar.gz.partial"
  mv "$scratch/$name.tar.gz.partial" "$scratch/$name.tar.gz"
}

[ "$(uname -s)" = Linux ] || stop "this makes the archive for Linux"
need readelf strip dpkg-query ldd tar gzip
[ ! -e .deps/libtorch/lib/libtorch_cuda.so ] || stop "an archive holds libtorch for the CPU; run 'make setup' without LIBTORCH"
build
stage_command
stage_licences
stage_completions
Scripts/manual.sh "$stage/bin/kindred" "$stage/share/man/man1"
stage_documents
tell "needs $(newest GLIBC), $(newest GLIBCXX)"
[ "${1:-}" = --stage ] || pack
tell "$(du -sm "$stage" | cut -f1) MB in $stage$([ "${1:-}" = --stage ] || echo ", $(du -m "$scratch/$name.tar.gz" | cut -f1) MB packed: $scratch/$name.tar.gz")"
