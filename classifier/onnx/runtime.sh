#!/usr/bin/env bash
# Obtains the shared library of ONNX Runtime and prints its path.
#
# From PyPI (pip) or, failing that, from npm; on arm64 at last the copy that the
# Go module github.com/yalue/onnxruntime_go carries for its own tests. Whatever
# the origin, the file must have the SHA-256 pinned below. It is kept in
# .cache/onnxruntime/VERSION/libonnxruntime.so of the project; a second run, also
# one at the same time, finds it there or replaces it whole by the same file.
#
#   ONNXRUNTIME_LIB=PATH      use this library; it is only checked to exist
#   ONNXRUNTIME_ORIGIN=pypi|npm|gomodule   try this origin only
#   ONNXRUNTIME_CACHE=DIR     keep it there instead
set -euo pipefail

version=1.24.3
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

if [ -n "${ONNXRUNTIME_LIB:-}" ]; then
  [ -f "$ONNXRUNTIME_LIB" ] || { echo "runtime.sh: ONNXRUNTIME_LIB names $ONNXRUNTIME_LIB, which does not exist" >&2; exit 1; }
  echo "$ONNXRUNTIME_LIB"
  exit 0
fi

# One SHA-256 of the library per origin: they are separate builds.
case "$(uname -s)-$(uname -m)" in
Linux-x86_64)
  platforms=(manylinux_2_27_x86_64 manylinux_2_28_x86_64)
  npm_dir=linux/x64
  pypi_sum=12e097b0705253189cd2cde73a091febefb7348edcfe606cd54aec010a4bab2b
  npm_sum=92ba8e44d31b80a34f5e805076a044122c3be1fffe0d88ed790de7267b0b2682
  gomodule_sum=none
  ;;
Linux-aarch64 | Linux-arm64)
  platforms=(manylinux_2_27_aarch64 manylinux_2_28_aarch64)
  npm_dir=linux/arm64
  pypi_sum=34b560ca50f0ba1228a715ce3bedb14eb0fa8e9002dd43dfe083be399f67d7ad
  npm_sum=33032cb5b91c12edbf028d7c69fa40a31848d66c0095448758af237d5e0b07db
  gomodule_sum=7954e8bdedb497f830c6a679e818d98399b7f4d81ade1126c3e0be74d28111ab
  ;;
*)
  echo "runtime.sh: no pinned library for $(uname -s) $(uname -m): set ONNXRUNTIME_LIB to a libonnxruntime of version 1.24 or newer" >&2
  exit 1
  ;;
esac

cache=${ONNXRUNTIME_CACHE:-$root/.cache/onnxruntime/$version}
lib=$cache/libonnxruntime.so

sum() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }
known() { case "$(sum "$1")" in "$pypi_sum" | "$npm_sum" | "$gomodule_sum") return 0 ;; esac; return 1; }

if [ -f "$lib" ] && known "$lib"; then
  echo "$lib"
  exit 0
fi

mkdir -p "$cache"
work=$(mktemp -d "$cache/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Each from_ORIGIN leaves the library at $work/lib and says on stderr why it could not.
from_pypi() {
  local pip=() python=""
  for python in python3 python; do
    if "$python" -m pip --version >/dev/null 2>&1; then pip=("$python" -m pip); break; fi
  done
  if [ ${#pip[@]} -eq 0 ] && command -v pip3 >/dev/null && pip3 --version >/dev/null 2>&1; then pip=(pip3); fi
  [ ${#pip[@]} -gt 0 ] || { echo "runtime.sh: pip is not there" >&2; return 1; }
  local wanted=()
  for p in "${platforms[@]}"; do wanted+=(--platform "$p"); done
  "${pip[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --implementation cp --python-version 3.12 "${wanted[@]}" -d "$work/pypi" "onnxruntime==$version" >&2 || return 1
  if command -v unzip >/dev/null; then
    unzip -p "$work"/pypi/onnxruntime-*.whl "onnxruntime/capi/libonnxruntime.so.$version" >"$work/lib"
  else
    "$python" -c 'import sys, zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))' \
      "$work"/pypi/onnxruntime-*.whl "onnxruntime/capi/libonnxruntime.so.$version" >"$work/lib"
  fi
}

from_npm() {
  command -v npm >/dev/null || { echo "runtime.sh: npm is not there" >&2; return 1; }
  (mkdir -p "$work/npm" && cd "$work/npm" && npm pack --silent --ignore-scripts "onnxruntime-node@$version" >/dev/null) || return 1
  tar -xzOf "$work/npm/onnxruntime-node-$version.tgz" "package/bin/napi-v6/$npm_dir/libonnxruntime.so.1" >"$work/lib"
}

from_gomodule() {
  [ "$gomodule_sum" != none ] || { echo "runtime.sh: the Go module carries no library for $(uname -m)" >&2; return 1; }
  local dir
  dir=$(cd "$root" && go list -m -f '{{.Dir}}' github.com/yalue/onnxruntime_go) && [ -n "$dir" ] || return 1
  cp "$dir/test_data/onnxruntime_arm64.so" "$work/lib"
}

for origin in ${ONNXRUNTIME_ORIGIN:-pypi npm gomodule}; do
  case "$origin" in
  pypi) want=$pypi_sum ;;
  npm) want=$npm_sum ;;
  gomodule) want=$gomodule_sum ;;
  *) echo "runtime.sh: ONNXRUNTIME_ORIGIN=$origin: want pypi, npm or gomodule" >&2; exit 1 ;;
  esac
  if ! "from_$origin"; then
    echo "runtime.sh: $origin did not give ONNX Runtime $version" >&2
    continue
  fi
  got=$(sum "$work/lib")
  if [ "$got" != "$want" ]; then
    echo "runtime.sh: the library from $origin has SHA-256 $got, want $want: not used" >&2
    continue
  fi
  chmod 644 "$work/lib"
  mv -f "$work/lib" "$lib" # a rename within one directory: whole or not at all
  echo "$lib"
  exit 0
done
echo "runtime.sh: ONNX Runtime $version could not be had; install pip or npm with access to a package registry, or set ONNXRUNTIME_LIB" >&2
exit 1
