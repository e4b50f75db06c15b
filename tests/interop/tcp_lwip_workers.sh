#!/usr/bin/env bash
# Two workers of the product against lwIP's TCP: their device says the hash of RSS wrongly, and not at
# all, so that they steer in software. Over a plain wire; as server through one with faults too.
#   tests/interop/tcp_lwip_workers.sh BUILD_DIR
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

for device in wrong none; do
  device=$device tests/interop/tcp_lwip.sh "$1"
done
