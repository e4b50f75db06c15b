#!/usr/bin/env bash
# fedload on both sides of the relay: the mix of FEATURES.md section 7 goes through unchanged, both
# ways, and what policy refuses comes back as refused.
#   tests/interop/fedload_relay.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh
# shellcheck source=tests/interop/fedload_lib.sh
. tests/interop/fedload_lib.sh

# through WHAT FROM TO CALLER-NAMESPACE CALLER RELAY CALLEE-NAMESPACE CALLEE
through() {
  fedload_start callee "$7" "$8/24" --callee --json
  fedload_start caller "$4" "$5/24" --caller --core 1 --target "$6" --from-domain "$2" \
    --to-domain "$3" --mix federation --connections 8 --rate 100 --seconds 2 --warm-up 0.5 \
    --drain 30 --json
  check "$1: every request is answered, once and rightly" fedload_wait caller
  check "  and no body was changed" fedload_stop callee
  check "  and the callee has heard of all of them" \
    test "$(fedload_said callee requests)" -ge 200
}

interop_up "$1"
link_make "$world_inside"
link_make "$world_outside"
link_join "$world_inside" "fr$$i"
link_join "$world_outside" "fr$$o"
through "outside to inside" fabrikam.example contoso.example \
  "$world_outside" 192.0.2.2 192.0.2.1 "$world_inside" 10.10.0.2
through "inside to outside" contoso.example fabrikam.example \
  "$world_inside" 10.10.0.2 10.10.0.1 "$world_outside" 192.0.2.2

fedload_start caller "$world_outside" 192.0.2.2/24 --caller --core 1 --target 192.0.2.1 \
  --from-domain evil.example --to-domain contoso.example --rate 100 --seconds 1 --json
rc=0
fedload_wait caller >/dev/null || rc=$?
check "a blocked domain's trial fails" test "$rc" = 1
check "  since all are refused" test "$(fedload_said caller refused)" = 100
check "  with 403" test "$(fedload_said caller last_refusal)" = 403
interop_end
