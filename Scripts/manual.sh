#!/bin/sh
# Writes the manual pages of the built command $1 into the folder $2: kindred.1, kindred-train.1 and so on.
# The text is the command's own help, made into pages by the tool that comes with swift-argument-parser. Its plugin would build
# every product of the package again for debugging, so that the tool is built and called by itself.
set -eu
cd "$(dirname "$0")/.."
scratch=.build/manual
checkout=.build/dist/checkouts/swift-argument-parser

swift build --quiet --package-path "$checkout" --scratch-path "$scratch" --product generate-manual >"$scratch.log" 2>&1 || {
  cat "$scratch.log" >&2
  exit 1
}
tool=$(swift build --package-path "$checkout" --scratch-path "$scratch" --show-bin-path)/generate-manual
rm -rf "$scratch/pages" "$2"
mkdir -p "$scratch/pages" "$2"
"$tool" "$1" --multi-page --date "$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" +%F)" \
  --output-directory "$scratch/pages"
# Pages are named as people look for them. An empty line is a paragraph's end, which mdoc wants spelt.
for page in "$scratch/pages"/*.1; do
  name=$(basename "$page" .1 | tr . -)
  sed -e 's/^$/.Pp/' -e '/^\.\(Xr\|Dt\) /{s/\./-/g;s/^-/./;}' -e '$a\' "$page" >"$2/$name.1"
done
# They render without a warning, as far as that can be seen here.
if command -v man >/dev/null && command -v groff >/dev/null; then
  for page in "$2"/*.1; do
    warnings=$(LC_ALL=C.UTF-8 man --warnings -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
    if [ -n "$warnings" ]; then
      echo "$page: $warnings" >&2
      exit 1
    fi
  done
fi
