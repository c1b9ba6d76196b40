#!/usr/bin/env bash
# clang-tidy over the files given, or over all of ours (minutes).
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-tidy >/dev/null || { echo "install clang-tidy" >&2; exit 4; }
[ -f build/test/compile_commands.json ] || cmake --preset test >/dev/null
files=("$@")
[ ${#files[@]} -gt 0 ] || mapfile -t files < <(git ls-files '*.cpp' | grep -Ev '^(tests|benchmarks)/')
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/test --quiet --extra-arg=-Wno-unknown-warning-option
