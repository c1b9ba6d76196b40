#!/usr/bin/env bash
# check_apple_queue.sh SOURCES METAL_CPP CLANG: type-checks what only Apple compiles. 77: what it needs is not there.
set -eu
sources=$1 metal_cpp=$2 clang=$3
if [ ! -f "$metal_cpp/Metal/Metal.hpp" ]; then
  echo "no metal-cpp: configure with -DSIZEUP_METAL_CPP=FOLDER (docs/metal.md)"
  exit 77
fi
if [ ! -x "$clang" ]; then
  echo "no clang++"
  exit 77
fi
flags=(-fsyntax-only -fblocks -std=c++20 -DFMT_SHARED -Wall -Wextra -Wpedantic -Wshadow -Werror
       -I"$sources" -I"$sources/tests/metal/apple" -isystem "$metal_cpp")
"$clang" "${flags[@]}" "$sources/backends/metal/apple_queue.cpp"
"$clang" "${flags[@]}" -DSIZEUP_METAL "$sources/backends/registry.cpp"
if sed 's/setBytes(/setByte(/' "$sources/backends/metal/apple_queue.cpp" |
    "$clang" "${flags[@]}" -x c++ - 2>/dev/null; then
  echo "a misspelt call was not found"
  exit 1
fi
