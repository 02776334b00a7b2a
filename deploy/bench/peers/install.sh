#!/usr/bin/env bash
# install.sh PEER DIR installs a pinned gateway to measure against, once.
set -euo pipefail
peer=$1 dir=$2
here=$(cd "$(dirname "$0")" && pwd)/$peer
case $peer in
litellm) pins=$here/requirements.txt ;;
portkey) pins=$here/package-lock.json ;;
*) echo "no peer $peer: want litellm or portkey"; exit 2 ;;
esac
if cmp -s "$pins" "$dir/pins"; then exit 0; fi
rm -rf "$dir"
mkdir -p "$dir"
case $peer in
litellm)
  command -v python3 >/dev/null || { echo "python3 with venv and pip is needed"; exit 1; }
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q --disable-pip-version-check --require-hashes -r "$pins"
  ;;
portkey)
  command -v npm >/dev/null || { echo "npm is needed"; exit 1; }
  cp "$here/package.json" "$pins" "$dir/"
  (cd "$dir" && npm ci --silent --no-audit --no-fund --ignore-scripts)
  ;;
esac
cp "$pins" "$dir/pins" # last: what stopped half-way is begun anew
