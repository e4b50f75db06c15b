#!/usr/bin/env bash
# SIP over mutual TLS: OpenSSL as partner, both directions, impostors and late refusals.
#   tests/interop/tls.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
interop_certificates=(fabrikam.example contoso-tls.example woodgrove.example litware.example)
interop_up "$1" "$PWD/tests/interop/federation-tls.yaml"
export INTEROP_CA=$world_dir/ca
# shellcheck disable=SC2317 # called by check
shows() {
  local pattern=$1
  shift
  world_fedctl "$@" | grep -q -- "$pattern"
}
check "\`fedctl dns\` gives the records by which partners find us" \
  shows '^_sips._tcp.contoso.example. 3600 IN SRV 0 0 5061 sip.contoso.example.$' \
  dns tests/interop/federation-tls.yaml --address 192.0.2.1
check "\`fedctl ports\` names our listeners" \
  shows '^in   tcp .* 192.0.2.1:5061 ' ports tests/interop/federation-tls.yaml
check "  and our next hops" \
  shows '^out  tcp .* 192.0.2.2:5061 ' ports tests/interop/federation-tls.yaml
check_python tls.py
interop_end
