#!/usr/bin/env bash
# fedload on both sides of the relay over mutual TLS: partners with a certificate and a domain each,
# both ways and both address families, through storms, reconnects and KeyUpdates; and what either side
# refuses.
#   tests/interop/fedload_tls.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# All partners come from one address.
# shellcheck disable=SC2034
world_control_options=(--handshakes-source 0)
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh
# shellcheck source=tests/interop/fedload_lib.sh
. tests/interop/fedload_lib.sh

# callee NAMESPACE ADDRESS DOMAIN
callee() {
  fedload_start callee "$1" "$2/24" --callee --transport tls --certificates "$world_dir/ca" \
    --to-domain "$3" --json
}

# caller NAMESPACE ADDRESS/BITS RELAY FROM TO [OPTION …]: the relay's certificate is contoso's.
caller() {
  local namespace=$1 address=$2 relay=$3 from=$4 to=$5
  shift 5
  fedload_start caller "$namespace" "$address" --caller --core 1 --transport tls --target "$relay" \
    --from-domain "$from" --to-domain "$to" --rate 100 --seconds 2 --warm-up 0.5 --drain 30 --json \
    --certificates "$world_dir/ca" --peer-name contoso.example "$@"
}

# said WHAT TEST-OPERATOR NUMBER: of the caller's report.
# shellcheck disable=SC2317 # called by check
said() {
  test "$(fedload_said caller "$1")" "$2" "$3"
}

# through WHAT CALLEES… CALLERS…
through() {
  callee "$2" "$3" "$4"
  caller "${@:5}"
  check "$1: every request is answered, once and rightly" fedload_wait caller
  check "  and no body was changed" fedload_stop callee
  check "  and the callee has heard of all of them" test "$(fedload_said callee requests)" -ge 200
  check "  and no handshake failed" said handshakes_failed = 0
}

command -v openssl >/dev/null || { echo "skip - openssl is not installed"; exit 0; }
# shellcheck disable=SC2034
interop_certificates=(fabrikam.example contoso.example)
interop_up "$1" "$PWD/tests/interop/federation-load.yaml"
link_make "$world_inside"
link_make "$world_outside"
link_join "$world_inside" "fr$$i"
link_join "$world_outside" "fr$$o"

through "50 partners to inside" "$world_inside" 10.10.0.2 contoso.example \
  "$world_outside" 192.0.2.2/24 192.0.2.1 fabrikam.example contoso.example \
  --partners 50 --mix federation
check "  each with a session of its own" said handshakes = 50
through "partners over IPv6 to inside" "$world_inside" 10.10.0.2 contoso.example \
  "$world_outside" 2001:db8::2/64 '[2001:db8::1]' fabrikam.example contoso.example --partners 5
through "inside to a partner" "$world_outside" 192.0.2.2 fabrikam.example \
  "$world_inside" 10.10.0.2/24 10.10.0.1 contoso.example fabrikam.example \
  --connections 4 --mix federation

callee "$world_inside" 10.10.0.2 contoso.example
caller "$world_outside" 192.0.2.2/24 192.0.2.1 fabrikam.example contoso.example \
  --partners 20 --key-updates 20 --tls13
check "KeyUpdates at random lose no request" fedload_wait caller
check "  and are answered by the relay" said key_updates -ge 20
check "  which breaks no session" said broken = 0
caller "$world_outside" 192.0.2.2/24 192.0.2.1 fabrikam.example contoso.example \
  --partners 20 --storm-every 1.1 --reconnects 4 --drain 5 --allow-loss 1000000
check "through a storm every request that finds a connection is answered rightly" fedload_wait caller
check "  and all are back" said back_ms != 0.0
check "  by handshakes of which none failed" said handshakes_failed = 0
check "the callee has found every body unchanged" fedload_stop callee

rc=0
caller "$world_outside" 192.0.2.2/24 192.0.2.1 fabrikam.example contoso.example \
  --peer-name fabrikam.example --wait 5
fedload_wait caller >/dev/null || rc=$?
check "a relay that does not prove the name asked for is refused by fedload" test "$rc" = 1
check "  with the reason" grep -q 'handshakes failed, the last one: .*name' "$world_dir/caller.log"
rc=0
caller "$world_outside" 192.0.2.2/24 192.0.2.1 fabrikam.example contoso.example \
  --certificates "$world_dir/stranger" --trust "$world_dir/ca/ca.pem" --wait 5
fedload_wait caller >/dev/null || rc=$?
check "a partner of a CA that nobody trusts is refused by the relay" test "$rc" = 1
check "  with its alert" grep -qi 'handshakes failed, the last one: .*ca' "$world_dir/caller.log"
interop_end
