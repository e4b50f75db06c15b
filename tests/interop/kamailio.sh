#!/usr/bin/env bash
# Kamailio as the internal server: record-routing, loose routing, users behind it.
#   tests/interop/kamailio.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# call WHAT FROM TO CALLER-SCENARIO SERVER-SCENARIO: from inside a caller sends to Kamailio, from
# outside to the relay; inside users are found behind Kamailio.
call() {
  local what=$1 from=$2 to=$3 namespace caller server target
  case "$to" in
    contoso.example) namespace=$world_inside server=10.10.0.3 ;;
    contoso-six.example) namespace=$world_inside server=fd10::3 ;;
    fabrikam.example) namespace=$world_outside server=192.0.2.2 ;;
    woodgrove.example) namespace=$world_outside server=2001:db8::2 ;;
  esac
  server_start callee "$namespace" "$server" "$5" 1
  case "$from" in
    contoso.example) namespace=$world_inside caller=10.10.0.4 target=10.10.0.2 ;;
    contoso-six.example) namespace=$world_inside caller=fd10::4 target='[fd10::2]' ;;
    fabrikam.example) namespace=$world_outside caller=192.0.2.2 target=192.0.2.1 ;;
    woodgrove.example) namespace=$world_outside caller=2001:db8::2 target='[2001:db8::1]' ;;
  esac
  check "$what, $from to $to" world_sipp "$namespace" "$caller" "$4" -p "${6:-5071}" "$target:5060" \
    -key from_uri "alice@$from" -key to_uri "bob@$to"
  world_wait 5 world_gone "${world_pid[callee]}"
  check "  and the callee has seen all of it" wait "${world_pid[callee]}"
  world_end callee
}

command -v kamailio >/dev/null || { echo "skip - kamailio is not installed"; exit 0; }
interop_up "$1"
world_start kamailio ip netns exec "$world_inside" kamailio -DD -E -m 64 -M 8 \
  -P "$world_dir/kamailio.pid" -f "$interop_dir/kamailio.cfg" -Y "$world_dir"
check "Kamailio starts" world_wait 10 world_listens "$world_inside" 10.10.0.2
for pair in "contoso.example fabrikam.example" "fabrikam.example contoso.example" \
  "contoso-six.example woodgrove.example" "woodgrove.example contoso-six.example"; do
  read -r from to <<<"$pair"
  call "MESSAGE" "$from" "$to" message answer
  call "INVITE, and BYE from the caller" "$from" "$to" call answer
  # The callee's BYE goes to the partner's next hop, which is at 5060.
  case "$from" in
    contoso*) call "INVITE, and BYE from the callee" "$from" "$to" call_ended answer_and_end ;;
    *) call "INVITE, and BYE from the callee" "$from" "$to" call_ended answer_and_end 5060 ;;
  esac
  call "INVITE and CANCEL" "$from" "$to" cancelled_call ring
done
interop_end
