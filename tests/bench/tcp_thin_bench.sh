#!/usr/bin/env bash
# Delivery times of thin streams through a wire that loses, our engine next to Linux.
#   tests/bench/tcp_thin_bench.sh BUILD_DIR [--json] [--quick]
exec python3 "$(dirname "$0")/tcp_wire.py" thin "$@"
