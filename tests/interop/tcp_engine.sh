#!/usr/bin/env bash
# The bare TCP engine against Linux's TCP: a TAP in a namespace, without the dataplane; then the same
# through a wire that loses, repeats, reorders and damages frames. As client and as server, IPv4 and
# IPv6.
#   tests/interop/tcp_engine.sh BUILD_DIR
# lossy_megabytes=100: that many each way through the lossy wire too, which takes minutes (10).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

# shellcheck source=tests/interop/talkers.sh
. tests/interop/talkers.sh

engine() {
  exec timeout "$limit" "$build/engine-talker" --port "$port" --address 10.0.0.1 --address fd00::1 "$@" \
    --seconds $((limit / 2))
}
is_well() { true; }

exchanges plain 100 1000 5000 "our engine"
exchanges lossy "${lossy_megabytes:-10}" 1000 5000 "our engine"
