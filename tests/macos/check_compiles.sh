#!/usr/bin/env bash
# check_compiles.sh SOURCES ZIG: compiles what only macOS builds, with the compiler and the headers of macOS that zig
# brings. 77: no zig.
set -eu
sources=$1 zig=$2
if [ ! -x "$zig" ]; then
  echo "no zig: python3 -m pip install --target build/zig ziglang==0.14.1, then configure again"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for library in fmt nlohmann tl; do ln -s "/usr/include/$library" "$folder/$library"; done
flags=(-target aarch64-macos.14.0 -std=c++20 -fexperimental-library -DFMT_SHARED -Wall -Wextra -Wpedantic -Wshadow
       -Wnon-virtual-dtor -Werror -I"$sources" -isystem "$folder" -o "$folder/object")
compiled=0
for file in $(cd "$sources" && find core backends datasets tasks harness reports cli -name '*_macos.cpp'); do
  "$zig" c++ "${flags[@]}" -c "$sources/$file"
  compiled=$((compiled + 1))
done
[ $compiled -gt 0 ] || { echo "there is nothing that only macOS builds: this checks nothing"; exit 1; }
if sed 's/EVFILT_USER/EVFILT_USERS/' "$sources/core/http/socket_events_macos.cpp" |
    "$zig" c++ "${flags[@]}" -x c++ -c - 2>/dev/null; then
  echo "a misspelt name was not found"
  exit 1
fi
