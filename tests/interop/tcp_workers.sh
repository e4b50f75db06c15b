#!/usr/bin/env bash
# Two workers of the product against Linux's TCP: their port is one whose device says the hash of RSS
# rightly, wrongly, or not at all, so that they steer in software. A TAP in a namespace; then the same
# through a wire that loses, repeats, reorders and damages frames. As client and as server, IPv4 and
# IPv6.
#   tests/interop/tcp_workers.sh BUILD_DIR
# lossy_megabytes=100: that many each way through the lossy wire too, which takes minutes (10).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

# shellcheck source=tests/interop/talkers.sh
. tests/interop/talkers.sh

engine() {
  exec timeout "$limit" "$build/worker-talker" --port "$port" --device "$device" --address 10.0.0.1/24 \
    --address fd00::1/64 "$@" --seconds $((limit / 2))
}

# What is believed is not steered; what is not is, and who promised a hash is blamed.
is_well() {
  local left
  left=$(grep -h '^left ' "$dir"/*.log)
  case "$device" in
    right) [[ $left == *" steered 0 disagreed 0"* ]] ;;
    wrong) [[ $left != *" steered 0 "* && $left != *" disagreed 0"* ]] ;;
    none) [[ $left != *" steered 0 "* && $left == *" disagreed 0"* ]] ;;
  esac
}

for device in right wrong none; do
  exchanges plain 100 1000 1000 "two workers, hash $device,"
done
exchanges lossy "${lossy_megabytes:-10}" 1000 1000 "two workers, hash $device,"
