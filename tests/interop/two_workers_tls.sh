#!/usr/bin/env bash
# Mutual TLS with two workers: all of tls.py again, each connection with the worker that owns it.
#   tests/interop/two_workers_tls.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck disable=SC2034
world_workers=2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# shellcheck disable=SC2317 # called by check
sessions_at_both() {
  world_fedctl --json counters --all | python3 -c '
import json, sys
workers = json.load(sys.stdin)["workers"]
n = [w["counters"].get("session_established", 0) for w in workers]
print(n)
sys.exit(len(n) != 2 or not all(n))'
}

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
# shellcheck disable=SC2034
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
export INTEROP_CA=$world_dir/ca
check_python tls.py
check "sessions were handed to both workers" sessions_at_both
interop_end
