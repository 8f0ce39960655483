#!/usr/bin/env bash
# Makes one static site of the libraries' documentation and of what docs, README and Experiments tell, in .build/docs. A
# warning is an error. A web server shows it: python3 -m http.server -d .build/docs
set -euo pipefail
cd "$(dirname "$0")/.."

docc=$(dirname "$(readlink -f "$(command -v swift)")")/docc
archives=$PWD/.build/docs-archives
rm -rf "$archives"
mkdir -p "$archives"
links=(--enable-experimental-external-link-support)
for target in Torch Graph Kindred KindredVision KindredCLI; do
  swift package --allow-writing-to-directory "$archives" generate-documentation --target "$target" \
    --warnings-as-errors "${links[@]}" --output-path "$archives/$target.doccarchive"
  # Those that come later link to it.
  links+=(--dependency "$archives/$target.doccarchive")
done

python3 Scripts/docs_catalog.py "$archives/Guide.docc"
"$docc" convert "$archives/Guide.docc" --fallback-display-name Guide --fallback-bundle-identifier Guide \
  --warnings-as-errors "${links[@]}" --output-path "$archives/Guide.doccarchive"

rm -rf .build/docs
"$docc" merge "$archives"/{Guide,Kindred,KindredVision,KindredCLI,Graph,Torch}.doccarchive --output-path .build/docs \
  --synthesized-landing-page-name Kindred --synthesized-landing-page-kind Documentation
# What a browser is given first: the guide.
cat > .build/docs/index.html <<'HTML'
<!doctype html>
<meta charset="utf-8">
<title>Kindred</title>
<meta http-equiv="refresh" content="0; url=documentation/guide/">
<a href="documentation/guide/">Kindred</a>
HTML
