#!/usr/bin/env bash
# All of tls_openssl.py again with two workers: records and segments of one byte, cut and joined
# anywhere, with the worker that owns the connection.
#   tests/interop/two_workers_openssl.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck disable=SC2034
world_workers=2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
# shellcheck disable=SC2034
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
document=$PWD/tests/interop/federation-tls.yaml
interop_up "$1" "$document"
export INTEROP_CA=$world_dir/ca INTEROP_CERTIFICATES=$world_dir/certificates
export INTEROP_DOCUMENT=$document INTEROP_DIR=$world_dir
check_python tls_openssl.py
interop_end
