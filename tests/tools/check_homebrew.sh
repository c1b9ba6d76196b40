#!/usr/bin/env bash
# check_homebrew.sh SOURCES [BASH]: what tools/install_dependencies.sh asks of Homebrew, on a system that calls itself
# Darwin and has one package already.
set -eu
sources=$1 shell=${2:-bash}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/bin" "$folder/tools"
cp "$sources/tools/install_dependencies.sh" "$folder/tools"

fake() {  # fake NAME: a program by its text
  { echo '#!/bin/sh'; cat; } > "$folder/bin/$1"
  chmod +x "$folder/bin/$1"
}
fake uname <<< 'echo Darwin'
fake brew << 'END'
case "$1" in
  list) [ "$3" = cmake ] ;;
  install) shift 2; echo "$@" >> "$ASKED" ;;
esac
END
# The package with metal-cpp, as pip and unzip would leave it.
fake python3 <<< 'for folder; do [ "$last" != --dest ] || : > "$folder/mlx_metal-1-py3.whl"; last=$folder; done'
fake unzip << 'END'
while [ "$1" != -d ]; do shift; done
mkdir -p "$2/mlx/include/metal_cpp/Metal" && : > "$2/mlx/include/metal_cpp/Metal/Metal.hpp"
END

install() {  # install GROUP...
  : > "$folder/asked"
  ASKED=$folder/asked PATH=$folder/bin:$PATH "$shell" "$folder/tools/install_dependencies.sh" "$@"
}
expect() {  # expect WHAT COMMAND...
  local what=$1
  shift
  "$@" || { echo "not so: $what"; cat "$folder/asked"; exit 1; }
}

install build
expect "what is missing is installed" grep -qw cpp-httplib "$folder/asked"
expect "what is there is left alone" test "$(grep -cw cmake "$folder/asked")" = 0
expect "tests' packages were not asked for" test "$(grep -cw googletest "$folder/asked")" = 0
expect "metal-cpp lies where CMake looks" test -f "$folder/build/metal-cpp/Metal/Metal.hpp"
install build test
expect "tests' packages are installed" grep -qw googletest "$folder/asked"

fake brew <<< '[ "$1" = list ]'
install build test
expect "nothing is missing, nothing is installed" test ! -s "$folder/asked"
if install everything 2> "$folder/asked"; then
  echo "a group that isn't there was taken"
  exit 1
fi
expect "the usage is shown" grep -q usage "$folder/asked"
