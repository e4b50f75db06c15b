#!/usr/bin/env bash
# Two workers share each port, TCP: every connection has one owner, and nothing goes astray.
#   tests/interop/two_workers_tcp.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
world_workers=2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

n_calls=2000

# many WHAT NAMESPACE CALLER SERVER-NAMESPACE SERVER RELAY FROM TO: a connection each, up to 64 of
# SIPp's at once. It has more sockets than calls: calls that share one are cut off by the first of
# them that ends ("Broken pipe", though nobody but SIPp has closed).
many() {
  local what=$1
  server_start callee "$4" "$5" answer "$n_calls" tcp
  world_transport=tn
  check "$what" world_sipp "$2" "$3" stream -p 5071 "$6:5060" -max_socket 128 \
    -m "$n_calls" -l 64 -r 400 -key from_uri "$7" -key to_uri "$8"
  check "  and the callee has seen all of it" world_wait 5 world_gone "${world_pid[callee]}"
  world_end callee
}

# Whether no counter that tells of harm has risen: prints those. A TAP sends what arrives to the queue
# that the relay last wrote the flow's packets to (Linux, tun_automq_select_queue()), which it learns
# only after the kernel has answered the packet (tun_get_user(): first netif_receive_skb(), then
# tun_flow_update()). So the ACK of our SYN-ACK still goes to any queue, where half of the time it has
# to be steered, and what follows goes to the owner at once and overtakes it. It is old then: outside
# the window (tcp_not_acceptable), by its timestamp (tcp_paws), or even after the end of its connection
# (tcp_cookie_bad; the reset that answers it lies outside the window of whoever is in TIME-WAIT). That
# overtaken ACKs do no harm is tried in tests/unit/dataplane/worker/device_hash_test.c. A TAP's full
# queue (tx_full) is what TCP repairs.
# shellcheck disable=SC2317
is_clean() {
  world_fedctl --json counters --all | python3 -c '
import json, sys
harm = ("tcp_no_", "tcp_malformed", "tcp_checksum", "tcp_not_opened", "tcp_reset", "tcp_syn",
        "tcp_ack_", "tcp_timed_out", "tcp_out_of_order", "tcp_replies",
        "egress_", "sip_stream", "sip_again", "sip_response_", "sip_ring", "steer_full",
        "no_buffer", "neighbour_queue", "udp_", "ip_checksum")
fine = ("sip_response_relayed", "egress_idle")
bad = {k: v for k, v in json.load(sys.stdin)["counters"].items()
       if v and k.startswith(harm) and k not in fine}
print(bad)
sys.exit(bool(bad))'
}

interop_up "$1" "$PWD/tests/interop/federation-tcp.yaml"
many "$n_calls MESSAGEs over 64 connections, outside to inside" "$world_outside" 192.0.2.9 \
  "$world_inside" 10.10.0.6 192.0.2.1 alice@fabrikam-tcp.example bob@contoso-tcp.example
many "$n_calls MESSAGEs over 64 connections, inside to outside" "$world_inside" fd10::4 \
  "$world_outside" 2001:db8::6 '[fd10::1]' alice@contoso-six.example bob@woodgrove.example
check "no segment went astray, and no connection to a wrong worker" is_clean
check_python two_workers_tcp.py
check "still none has, with connections closed in between" is_clean
check "segments were moved to their owners" test "$(counter steered)" -gt 0
interop_end
