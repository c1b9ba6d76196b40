#!/usr/bin/env bash
# The main job in one command: installs what is missing, builds, compares the two bundled models on the six
# bundled test sets, and writes an HTML report. Unchanged work is not repeated: the second time is quick.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install_dependencies.sh build
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
ninja -C build/release sizeup

results=build/quickstart
mkdir -p "$results"
build/release/sizeup run models/pocket/quickstart.yaml --db "$results/sizeup.db" --html "$results/report.html"
