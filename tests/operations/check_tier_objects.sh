#!/usr/bin/env bash
# Source files compiled for a tier define no symbol that the linker may take in place of another file's copy of it:
# such a copy would bring instructions into the rest of the program that lesser machines lack.
#   check_tier_objects.sh ARCHIVE
set -euo pipefail

nm -C "$1" | awk '
  /^[^ ]*\.o:$/ { file = $0; tier = file ~ /_(avx2|avx512|amx|neon_bf16)\.cpp\.o:$/; files += tier; next }
  tier && $2 ~ /^[VWu]$/ { print file, $0; shared++ }
  END {
    if (files == 0) { print "no object of a tier in the archive"; exit 1 }
    if (shared > 0) exit 1
    print files, "objects of tiers, nothing shared"
  }'
