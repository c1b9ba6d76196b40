#!/usr/bin/env bash
# Installs what sizeup needs from Debian's packages, or Homebrew's on macOS, and only what is missing.
#   tools/install_dependencies.sh build         to build and run the program
#   tools/install_dependencies.sh build test    to build and run every test as well
# (macOS has bash 3.2: there, an empty array counts as one that is not set.)
set -euo pipefail
cd "$(dirname "$0")/.."

debian_build=(
  cmake ninja-build ccache g++ pkg-config
  libfmt-dev nlohmann-json3-dev libsqlite3-dev libcli11-dev
  libyaml-cpp-dev libexpected-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libssl-dev libcurl4-openssl-dev libcpp-httplib-dev libboost-dev libeigen3-dev
  bubblewrap python3  # the sandbox for generated code, and what it runs
)
debian_test=(
  libgtest-dev libgmock-dev libbenchmark-dev
  clang libclang-rt-14-dev clang-format  # fuzz targets and the format check
  qemu-user                              # the program on older processors, and on arm64
  chromium sqlite3                       # the report in a real browser, data checks, the store from outside
  openssl                                # certificates for a server of the tests
)
[ "$(uname -m)" != x86_64 ] || debian_test+=(g++-aarch64-linux-gnu)  # the tests for arm64
brew_build=(
  cmake ninja ccache pkgconf
  fmt nlohmann-json sqlite cli11
  yaml-cpp tl-expected pcre2 utf8proc zstd openssl@3 curl cpp-httplib boost eigen
)
brew_test=(googletest google-benchmark)

case "$(uname -s)" in
  Darwin) system=brew source="Homebrew" ;;
  *) system=debian source="Debian's packages" ;;
esac

packages=()
for group in "${@:-build}"; do
  case $system-$group in
    debian-build) packages+=("${debian_build[@]}") ;;
    debian-test) packages+=("${debian_test[@]}") ;;
    brew-build) packages+=("${brew_build[@]}") ;;
    brew-test) packages+=("${brew_test[@]}") ;;
    *) echo "usage: $0 [build] [test]" >&2; exit 2 ;;
  esac
done

is_installed() {  # is_installed PACKAGE
  case $system in
    debian) dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q '^install ok installed' ;;
    brew) brew list --versions "$1" >/dev/null 2>&1 ;;
  esac
}

install_debian() {  # install_debian PACKAGE...
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "Run as root (or install sudo): apt-get install $*" >&2; exit 4; }
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >&2
}

install_brew() {  # install_brew PACKAGE...
  HOMEBREW_NO_AUTO_UPDATE=1 brew install --quiet "$@" >&2
}

# Apple's headers for C++ programs on its GPUs, which come with a Python package; without them the program is
# built without its Metal device.
get_metal_cpp() {
  [ ! -f build/metal-cpp/Metal/Metal.hpp ] || return 0
  echo "Getting metal-cpp from the Python package mlx-metal" >&2
  local folder=build/metal-cpp-package
  mkdir -p "$folder"
  if python3 -m pip download --quiet --no-deps --only-binary=:all: --platform macosx_14_0_arm64 \
      --dest "$folder" mlx-metal >&2 &&
      unzip -q -o "$folder"/mlx_metal-*.whl 'mlx/include/metal_cpp/*' -d "$folder"; then
    rm -rf build/metal-cpp
    mv "$folder/mlx/include/metal_cpp" build/metal-cpp
  else
    echo "metal-cpp cannot be had: the program is built without its Metal device (docs/metal.md)" >&2
  fi
  rm -rf "$folder"
}

if [ $system = brew ]; then
  command -v brew >/dev/null || { echo "install Homebrew first" >&2; exit 4; }
  get_metal_cpp
fi

missing=()
for package in "${packages[@]}"; do
  is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
echo "Installing from $source: ${missing[*]}" >&2
install_$system "${missing[@]}"
