#!/usr/bin/env bash
# The main job in one command: installs what is missing, builds, compares the two bundled models on the six
# bundled test sets, and writes an HTML report. Unchanged work is not repeated: the second time is quick.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install_dependencies.sh build
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
targets=(sizeup)
if nvidia-smi -L >/dev/null 2>&1 && grep -q '^SIZEUP_CUDA:BOOL=ON' build/release/CMakeCache.txt; then
  targets+=(sizeup_cuda)
fi
ninja -C build/release "${targets[@]}"

results=build/quickstart
mkdir -p "$results"
tasks=()
if build/release/sizeup doctor --json | grep -q '"sandbox":{"level":"none"'; then
  echo "No sandbox can be had here (a container without user namespaces? macOS?): pocket-code, whose answers are programs" \
    "to be run, is left out." >&2
  for task in helpdesk invoices handbook pocket-mmlu pocket-gsm; do tasks+=(--task "$task"); done
fi
# In bash 3.2, which macOS has, an empty array counts as one that is not set.
build/release/sizeup run models/pocket/quickstart.yaml ${tasks[@]+"${tasks[@]}"} --db "$results/sizeup.db" --html "$results/report.html"
