#!/usr/bin/env bash
# Installs what sizeup needs from Debian's packages, and only what is missing.
#   tools/install_dependencies.sh build         to build and run the program
#   tools/install_dependencies.sh build test    to build and run every test as well
set -euo pipefail

build_packages=(
  cmake ninja-build ccache g++ pkg-config
  libfmt-dev nlohmann-json3-dev libsqlite3-dev libcli11-dev
  libyaml-cpp-dev libexpected-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libssl-dev libcurl4-openssl-dev libcpp-httplib-dev libboost-dev libeigen3-dev
  bubblewrap python3  # the sandbox for generated code, and what it runs
)
test_packages=(
  libgtest-dev libgmock-dev libbenchmark-dev
  clang libclang-rt-14-dev clang-format  # fuzz targets and the format check
  qemu-user                              # the program on older processors, and on arm64
  chromium sqlite3                       # the report in a real browser, data checks, the store from outside
  openssl                                # certificates for a server of the tests
)
[ "$(uname -m)" != x86_64 ] || test_packages+=(g++-aarch64-linux-gnu)  # the tests for arm64

packages=()
for group in "${@:-build}"; do
  case $group in
    build) packages+=("${build_packages[@]}") ;;
    test) packages+=("${test_packages[@]}") ;;
    *) echo "usage: $0 [build] [test]" >&2; exit 2 ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing from Debian's packages: ${missing[*]}" >&2
as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "Run as root (or install sudo): apt-get install ${missing[*]}" >&2; exit 4; }
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
