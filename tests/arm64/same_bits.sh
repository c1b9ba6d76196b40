#!/usr/bin/env bash
# The program for arm64 gives the numbers and texts of the program for x86-64, bit for bit: neon those of avx2, the
# reference device its own.
#   same_bits.sh SIZEUP ARM64_SIZEUP    the second is run by qemu-aarch64, with libraries from $QEMU_LD_PREFIX
set -euo pipefail
native=$1 arm64=$2
model=$(dirname "$0")/../../models/pocket/pocket-small.gguf

scores='{"context":"The printer","continuation":" is broken."}
{"text":"Hello, how do I reset my password?"}'
prompts='{"prompt":"The customer asks","max_tokens":24}
{"prompt":"Please","max_tokens":24,"temperature":1.0,"seed":7}'

without_times() { sed -E 's/,"(ttft|total)_ms":[0-9.]+//g'; }

same() {  # same WHAT NATIVE_MODEL_OPTIONS ARM64_MODEL_OPTIONS
  local command input left right
  for command in score generate; do
    input=$scores
    [ $command = score ] || input=$prompts
    left=$("$native" $command "$model?$2" <<<"$input" | without_times)
    right=$(qemu-aarch64 "$arm64" $command "$model?$3" <<<"$input" | without_times)
    if [ "$left" != "$right" ]; then
      printf '%s: %s differs\n%s\n%s\n' "$1" $command "$left" "$right" >&2
      exit 1
    fi
  done
  echo "$1: the same bits"
}

same "reference device" device=reference device=reference
if grep -qw avx2 /proc/cpuinfo; then
  same "avx2 and neon" cpu_tier=avx2 cpu_tier=neon
else
  echo "avx2 and neon: skipped, this processor does not offer AVX2"
fi
