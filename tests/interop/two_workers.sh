#!/usr/bin/env bash
# Two workers share each port: packets of one call, and fragments of one datagram, reach either.
#   tests/interop/two_workers.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
world_workers=2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

interop_up "$1"
check_python two_workers.py
interop_end
