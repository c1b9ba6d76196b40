#!/usr/bin/env bash
# Builds and runs every test: the optimised build, the build for arm64 under emulation, the sanitizer build with the
# fuzz targets, the data checks.
#   tools/test.sh            everything (fuzz targets for 20 seconds each with CI=true, else ten)
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

processors() {  # how many
  nproc 2>/dev/null || sysctl -n hw.logicalcpu
}

run_tests() {  # run_tests PRESET [ctest options]
  ctest --test-dir "build/$1" --output-on-failure --no-tests=error -j "$(processors)" "${@:2}"
}

step "Dependencies"
tools/install_dependencies.sh build test

if [ "$(uname -s)" = Linux ]; then  # other versions of clang-format have other opinions
  step "Format"
  git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run --Werror
fi

step "Bundled test sets: regenerated without a difference, absent from the training text"
python3 datasets/bundled/generate.py --check
python3 datasets/bundled/check_contamination.py

step "Tests"
build test
run_tests test
$quick && exit 0

step "Tests for arm64, under emulation"
if [ "$(uname -m)" = x86_64 ]; then
  tools/arm64_sysroot.sh
  export QEMU_LD_PREFIX=$PWD/build/arm64-sysroot
  build arm64 test_cpu test_operations test_engine sizeup
  # What computes, on a processor with every extension; what is chosen, on those that lack some as well.
  run_tests arm64 -R '^(cpu|operations)\.|^engine\..*(TinyLlama|TinyMixture|TinyQuantised|StoriesAgreement)'
  QEMU_CPU=neoverse-n1 run_tests arm64 -R '^cpu\.(CpuTier|Kernels)|^operations.*MixtureOnTiers.AllRows'
  QEMU_CPU=cortex-a72 run_tests arm64 -R '^cpu\.(CpuTier|Kernels)|^operations.*MixtureOnTiers.AllRows'
  tests/arm64/same_bits.sh build/test/sizeup build/arm64/sizeup
else
  echo "skipped: on this machine the tests above were those for $(uname -m)"
fi

step "Tests under the address and undefined-behaviour sanitizers"
build asan
# Without what is slow and touches no memory in a way of its own: simulations, the walks through the docs (each
# command has tests besides), random runs on a second vector tier (the tiers' kernels have tests besides), pages
# in the browser (what writes them has tests besides).
ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 run_tests asan \
  -E 'Slow|Documented|statistics\.Coverage\.|FalseAlarms|HoldsTheTruth|NearFiellers|AtTheStatedRate|Reproducible.*/avx2|reports\.browser'

fuzz() {  # fuzz NAME SECONDS; what it found stays in build/asan
  local seeds=tests/fuzz/corpus/$1 log=build/asan/fuzz-$1.log
  [ "$1" = task ] && seeds=tests/tasks/cases
  mkdir -p "build/asan/found-$1"
  "build/asan/fuzz_$1" -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="build/asan/crash-$1-" "build/asan/found-$1" "$seeds" 2>"$log" || { tail -40 "$log"; return 1; }
  echo "$1: $(awk '/number_of_executed_units/ {print $2}' "$log") inputs in $2 seconds"
}
export -f fuzz

step "Fuzz targets"
seconds=10
[ "${CI:-}" = true ] && seconds=20
printf '%s\n' build/asan/fuzz_* | sed 's/.*fuzz_//' | xargs -P "$(processors)" -I NAME bash -c "fuzz NAME $seconds"

step "All tests passed"
