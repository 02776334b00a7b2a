#!/usr/bin/env bash
# Walks through the README's first screen with the real binaries: serves, sends
# an easy and a hard prompt in both languages, lets the model that got the easy
# one degrade, measures it through the gateway, publishes a tier table, and
# waits until the running gateway has stopped picking it. Works in a folder of
# its own and leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$root" build
addr=127.0.0.1:${PORT:-18080}
tmp=$(mktemp -d)
cd "$tmp" # so that data/ is this run's own
server=
stop() { [ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true; }; server=; }
trap 'stop; cd /; rm -rf "$tmp"' EXIT
fail() { echo "smoke: $*"; cat log; exit 1; }

serve() { # more keys of the section "simulated"
  stop
  # Keys of this machine must not turn a rehearsal into real calls.
  printf 'simulated: {mode: always%s}\n' "${1:+, $1}" > assay.yaml
  "$root/bin/assay" serve --config assay.yaml --addr "$addr" 2> log &
  server=$!
  for _ in $(seq 100); do curl -sf "http://$addr/readyz" >/dev/null && return; sleep 0.1; done
  fail "the gateway is not ready"
}
ask() { # prompt -> model that answered
  curl -sS -D head -o body "http://$addr/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"assay/balanced\",\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}]}"
  for h in intent level model provider cost-usd; do
    grep -qi "^x-model-router-$h: ." head || { cat head body; fail "header x-model-router-$h is missing"; }
  done
  sed -n 's/^x-model-router-model: \([^\r]*\).*/\1/Ip' head
}

serve
easy_en=$(ask 'hi'); easy_zh=$(ask '你好')
hard_en=$(ask 'Let p be an odd prime. Prove that the number of quadratic residues r modulo p for which r+1 is also a residue depends only on p modulo 4, and compute it exactly.')
hard_zh=$(ask '设 p 为奇素数，证明使 r 与 r+1 同为模 p 二次剩余的 r 的个数只取决于 p 模 4 的余数，并求出这个个数的精确表达式。')
echo "easy: $easy_en, $easy_zh; hard: $hard_en, $hard_zh"
[ "$easy_en" != "$hard_en" ] && [ "$easy_zh" != "$hard_zh" ] || fail "easy and hard prompts went to the same model"

serve "profiles: {$easy_en: {quality: 0.1}}"
[ "$(ask 'hi')" = "$easy_en" ] || fail "a degradation that nobody measured has changed the choice"
"$root/bin/evals" run --models "$easy_en" --base-url "http://$addr/v1"
"$root/bin/evals" retier --out data/tiers.json
"$root/bin/evals" history
for _ in $(seq 50); do
  now=$(ask 'hi')
  [ "$now" != "$easy_en" ] && { echo "smoke: ok, $easy_en degraded and $now answers instead"; exit 0; }
  sleep 0.2
done
fail "the gateway still picks $easy_en"
