#!/usr/bin/env bash
# Prints the folder with the `node` of the newest release, fetched into the cache folder if it is
# not there. npm's `node` package names the release; the package of this platform holds the program.
set -euo pipefail

version=$(npm view node version)
platform=$(node -p '`${process.platform}-${process.arch}`')
folder="${XDG_CACHE_HOME:-$HOME/.cache}/partita/node-$version-$platform"
if [ ! -e "$folder/.complete" ]; then
  npm install --silent --no-save --no-audit --no-fund --prefix "$folder" "node-$platform@$version"
  touch "$folder/.complete"
fi
echo "$folder/node_modules/node-$platform/bin"
