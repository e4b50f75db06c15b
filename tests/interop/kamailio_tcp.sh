#!/usr/bin/env bash
# Kamailio as the internal server over TCP, its users behind it over UDP, partners over TCP and UDP;
# then Kamailio goes away and comes back under traffic.
#   tests/interop/kamailio_tcp.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# place DOMAIN: namespace, and the transport of its users, where they call from, where they answer,
# and whom they call: Kamailio inside, the relay outside.
place() {
  transport=udp
  case "$1" in
    contoso-tcp.example)
      namespace=$world_inside caller=10.10.0.4 server=10.10.0.3 target=10.10.0.6
      ;;
    contoso-six.example)
      namespace=$world_inside caller=fd10::4 server=fd10::3 target='[fd10::6]'
      ;;
    fabrikam.example)
      namespace=$world_outside caller=192.0.2.2 server=192.0.2.2 target=192.0.2.1
      ;;
    fabrikam-tcp.example)
      namespace=$world_outside caller=192.0.2.6 server=192.0.2.6 target=192.0.2.1 transport=tcp
      ;;
    woodgrove.example)
      namespace=$world_outside caller=2001:db8::6 server=2001:db8::6 target='[2001:db8::1]' transport=tcp
      ;;
  esac
}

# call WHAT FROM TO CALLER-SCENARIO SERVER-SCENARIO
call() {
  local what=$1 from=$2 to=$3 namespace transport caller server target
  place "$to"
  server_start callee "$namespace" "$server" "$5" 1 "$transport"
  place "$from"
  world_transport=u1
  [ "$transport" = udp ] || world_transport=t1
  check "$what, $from to $to" world_sipp "$namespace" "$caller" "$4" -p 5071 "$target:5060" \
    -key from_uri "alice@$from" -key to_uri "bob@$to"
  world_wait 5 world_gone "${world_pid[callee]}"
  check "  and the callee has seen all of it" wait "${world_pid[callee]}"
  world_end callee
}

command -v kamailio >/dev/null || { echo "skip - kamailio is not installed"; exit 0; }
interop_up "$1" "$PWD/tests/interop/federation-tcp.yaml"
kamailio=(ip netns exec "$world_inside" kamailio -DD -E -m 64 -M 8 -A TCP
  -P "$world_dir/kamailio.pid" -f "$interop_dir/kamailio.cfg" -Y "$world_dir")
world_start kamailio "${kamailio[@]}"
check "Kamailio starts" world_wait 10 world_listens "$world_inside" 10.10.0.6 tcp
for pair in "contoso-tcp.example fabrikam.example" "fabrikam.example contoso-tcp.example" \
  "contoso-tcp.example fabrikam-tcp.example" "fabrikam-tcp.example contoso-tcp.example" \
  "contoso-six.example woodgrove.example" "woodgrove.example contoso-six.example"; do
  read -r from to <<<"$pair"
  call "MESSAGE" "$from" "$to" message answer
  call "INVITE, and BYE from the caller" "$from" "$to" call answer
  call "INVITE and CANCEL" "$from" "$to" cancelled_call ring
done
world_end kamailio
check_python kamailio_restarts.py "${kamailio[@]}"
interop_end
