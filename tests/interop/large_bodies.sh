#!/usr/bin/env bash
# Messages with bodies up to the limit over TCP and TLS, and what others notice of them.
#   tests/interop/large_bodies.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example)
interop_up "$1" "$PWD/tests/interop/federation-large.yaml"
export INTEROP_CA=$world_dir/ca
interop_seconds=420 check_python large_bodies.py
interop_end
