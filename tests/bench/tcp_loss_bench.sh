#!/usr/bin/env bash
# Goodput through a wire that loses, our engine next to Linux.
#   tests/bench/tcp_loss_bench.sh BUILD_DIR [--json] [--quick]
exec python3 "$(dirname "$0")/tcp_wire.py" loss "$@"
