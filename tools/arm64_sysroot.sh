#!/usr/bin/env bash
# Makes build/arm64-sysroot: Debian's arm64 packages of what sizeup links, unpacked for the cross compiler and for
# qemu-aarch64. Nothing of the host changes: apt works with a state of its own, and nothing is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

# Those of install_dependencies.sh which are libraries. Headers and libraries of C and C++ are the cross compiler's.
packages=(
  libc6 libstdc++6
  libfmt-dev nlohmann-json3-dev libsqlite3-dev libcli11-dev
  libyaml-cpp-dev libexpected-dev libpcre2-dev libutf8proc-dev zlib1g-dev libzstd-dev libssl-dev libcurl4-openssl-dev libcpp-httplib-dev libboost-dev libeigen3-dev
  libgtest-dev libgmock-dev
)
sysroot=$PWD/build/arm64-sysroot
wanted=$(printf '%s\n' "${packages[@]}" | sha256sum)
[ "$(cat "$sysroot/made-of" 2>/dev/null)" != "$wanted" ] || exit 0

rm -rf "$sysroot"
apt=$sysroot/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
: >"$apt/status"  # an empty machine: everything that the packages need is fetched with them
apt_arm64() {
  apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false -o APT::Sandbox::User= \
    -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt/cache" -o Debug::NoLocking=true "$@"
}
apt_arm64 update
apt_arm64 -y --download-only install "${packages[@]}" >/dev/null

for folder in bin lib sbin; do  # as on an installed Debian, where /lib is /usr/lib
  mkdir -p "$sysroot/usr/$folder"
  ln -s "usr/$folder" "$sysroot/$folder"
done
for archive in "$apt"/cache/archives/*.deb; do
  case ${archive##*/} in
    libc6-dev_* | libstdc++-*-dev_* | libgcc-*-dev_* | linux-libc-dev_*) ;;  # the cross compiler has its own
    *) dpkg-deb --fsys-tarfile "$archive" | tar -x --keep-directory-symlink -C "$sysroot" ;;
  esac
done
rm -rf "$apt" "$sysroot/usr/share/doc" "$sysroot/usr/share/man"
echo "$wanted" >"$sysroot/made-of"
