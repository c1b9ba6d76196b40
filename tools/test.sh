#!/usr/bin/env bash
# Builds and runs every test: the optimised build, the sanitizer build, the fuzz targets, the data checks.
#   tools/test.sh            everything (fuzz targets for a minute each with CI=true, else ten seconds)
#   tools/test.sh --quick    the optimised build's tests alone
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false
case "${1:-}" in
  "") ;;
  --quick) quick=true ;;
  *) echo "usage: $0 [--quick]" >&2; exit 2 ;;
esac

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

build() {  # build PRESET [TARGET...]
  [ -f "build/$1/build.ninja" ] || cmake --preset "$1" >/dev/null
  ninja -C "build/$1" "${@:2}"
}

run_tests() {  # run_tests PRESET [ctest options]
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$(nproc)" "${@:2}"
}

step "Dependencies"
tools/install_dependencies.sh build test

step "Format"
git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror

step "Bundled test sets: regenerated without a difference, absent from the training text"
python3 datasets/bundled/generate.py --check
python3 datasets/bundled/check_contamination.py

step "Tests"
build test
run_tests test
$quick && exit 0

step "Tests under the address and undefined-behaviour sanitizers"
build asan
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 run_tests asan -E Slow

step "Fuzz targets"
build fuzz fuzzers
seconds=10
[ "${CI:-}" = true ] && seconds=60
for target in build/fuzz/fuzz_*; do
  name=${target##*/fuzz_}
  seeds=tests/fuzz/corpus/$name
  found=build/fuzz/corpus-$name
  mkdir -p "$found"
  echo "$target for $seconds seconds"
  "$target" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/ "$found" "$seeds" 2>build/fuzz/last.log ||
    { tail -40 build/fuzz/last.log; exit 1; }
  grep 'stat::number_of_executed_units' build/fuzz/last.log
done

step "All tests passed"
