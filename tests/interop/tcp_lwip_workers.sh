#!/usr/bin/env bash
# Two workers of the product against lwIP's TCP: their device says a hash of its own, so that they steer
# in software. Over a plain wire; as server through one with faults too.
#   tests/interop/tcp_lwip_workers.sh BUILD_DIR
# Not without a hash (tcp_workers.sh does that with Linux): each frame then comes by any queue, and
# where one worker stands, what waits for it is overtaken by a window of ACKs, too old to be taken
# (RFC 5961 §5.2), and sent again by lwIP's timer only, which knows no SACK: tens of seconds.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

device=wrong exec tests/interop/tcp_lwip.sh "$1"
