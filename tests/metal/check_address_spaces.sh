#!/usr/bin/env bash
# check_address_spaces.sh SOURCES KERNELS CLANG: the kernels' text as C++14, on which Metal's language builds, with the
# spaces that addresses belong to. 77: no clang.
set -eu
sources=$1 kernels=$2 clang=$3
if [ ! -x "$clang" ]; then
  echo "no clang++"
  exit 77
fi
# Namespaces in namespaces are an extension of C++14 that clang has, Apple's too.
flags=(-fsyntax-only -std=c++14 -nostdinc++ -x c++ -Wall -Wextra -Werror -Wno-unknown-attributes -Wno-c++17-extensions
       -I"$sources/tests/metal/address_spaces")
"$clang" "${flags[@]}" "$kernels"
if sed 's/device const float\* row = outputs/const float* row = outputs/' "$kernels" |
    "$clang" "${flags[@]}" - 2>/dev/null; then
  echo "a pointer to another space was not found"
  exit 1
fi
