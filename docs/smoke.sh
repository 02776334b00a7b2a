#!/usr/bin/env bash
# Walks through the README's first screen with the real binaries: serves, sends
# an easy and a hard prompt in both languages, runs an evaluation against the
# gateway, publishes a tier table and waits until the running gateway has taken
# it over. Works in a folder of its own and leaves nothing behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$root" build
addr=127.0.0.1:${PORT:-18080}
tmp=$(mktemp -d)
cd "$tmp" # so that data/ is this run's own
# Keys of this machine must not turn a rehearsal into real calls.
printf 'simulated: {mode: always}\n' > assay.yaml
"$root/bin/assay" serve --config assay.yaml --addr "$addr" 2> log &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null || true; cd /; rm -rf "$tmp"' EXIT
for _ in $(seq 100); do curl -sf "http://$addr/readyz" >/dev/null && break; sleep 0.1; done

ask() { # prompt -> model that answered
  curl -sS -D head -o body "http://$addr/v1/chat/completions" -H 'content-type: application/json' \
    -d "{\"model\":\"assay/balanced\",\"messages\":[{\"role\":\"user\",\"content\":\"$1\"}]}"
  for h in intent level model provider cost-usd; do
    grep -qi "^x-model-router-$h: ." head || { echo "smoke: header x-model-router-$h is missing"; cat head body; exit 1; }
  done
  sed -n 's/^x-model-router-model: \([^\r]*\).*/\1/Ip' head
}
easy_en=$(ask 'hi'); easy_zh=$(ask '你好')
hard_en=$(ask 'Let p be an odd prime. Prove that the number of quadratic residues r modulo p for which r+1 is also a residue depends only on p modulo 4, and compute it exactly.')
hard_zh=$(ask '设 p 为奇素数，证明使 r 与 r+1 同为模 p 二次剩余的 r 的个数只取决于 p 模 4 的余数，并求出这个个数的精确表达式。')
echo "easy: $easy_en, $easy_zh; hard: $hard_en, $hard_zh"
[ "$easy_en" != "$hard_en" ] && [ "$easy_zh" != "$hard_zh" ] || { echo "smoke: easy and hard prompts went to the same model"; exit 1; }

before=$(curl -sS "http://$addr/readyz" | sed -n 's/.*"tiers":"\([^"]*\)".*/\1/p')
"$root/bin/evals" run --benchmarks gsm8k,mmlu,cmmlu --models "$easy_en" --base-url "http://$addr/v1" --limit 10
"$root/bin/evals" retier --out data/tiers.json
"$root/bin/evals" history
for _ in $(seq 50); do
  after=$(curl -sS "http://$addr/readyz" | sed -n 's/.*"tiers":"\([^"]*\)".*/\1/p')
  [ "$after" != "$before" ] && break
  sleep 0.2
done
[ "$after" != "$before" ] || { echo "smoke: the gateway did not take the new tier table over"; cat log; exit 1; }
echo "smoke: tiers $before, then $after: ok"
