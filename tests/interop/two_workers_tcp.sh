#!/usr/bin/env bash
# Two workers share each port, TCP: every connection has one owner, and nothing goes astray.
#   tests/interop/two_workers_tcp.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
world_workers=2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

n_calls=2000

# known NAMESPACE ADDRESS RELAY: the relay knows its neighbour, so that no SYN-ACK waits for that.
known() { ip netns exec "$1" ping -q -n -c 1 -w 20 -I "$2" "$3" >/dev/null; }

# many WHAT NAMESPACE CALLER SERVER-NAMESPACE SERVER RELAY ITS-NAME FROM TO: a connection each, up to 64 of
# SIPp's at once. It has more sockets than calls: calls that share one are cut off by the first of
# them that ends ("Broken pipe", though nobody but SIPp has closed). It takes five seconds, and far
# more where others have the cores; when SIPp's time is over amid its calls, it resets what the relay
# has half open (tcp_not_opened).
many() {
  local what=$1
  known "$2" "$3" "$6"
  known "$4" "$5" "${5%6}1"
  server_start callee "$4" "$5" answer "$n_calls" tcp
  world_transport=tn
  check "$what" world_sipp "$2" "$3" stream -p 5071 "$7:5060" -max_socket 128 \
    -m "$n_calls" -l 64 -r 400 -timeout 55 -key from_uri "$8" -key to_uri "$9"
  check "  and the callee has seen all of it" world_wait 5 world_gone "${world_pid[callee]}"
  world_end callee
}

# Whether no counter that tells of harm has risen: prints those. A TAP sends what arrives to the queue
# that the relay last wrote the flow's packets to (Linux, tun_automq_select_queue()), which it learns
# only after the kernel has answered the packet (tun_get_user(): first netif_receive_skb(), then
# tun_flow_update()). Tried with a TAP of two queues: of 100 connections that were answered by the
# other queue than their SYN had come by, each ACK came by that of the SYN, and all that followed by
# the other. So the ACK of our SYN-ACK half of the time has to be steered, and what follows goes to the
# owner at once and overtakes it. It is old then: outside the window (tcp_not_acceptable), by its
# timestamp (tcp_paws), or even after the end of its connection (tcp_cookie_bad; the reset that answers
# it lies outside the window of whoever is in TIME-WAIT). There is one such ACK a connection at most;
# with one worker there are none. That they do no harm is tried in
# tests/unit/dataplane/worker/device_hash_test.c. A TAP's full queue (tx_full) is what TCP repairs: what
# is sent again may be old too.
# shellcheck disable=SC2317
is_clean() {
  world_fedctl --json counters --all | python3 -c '
import json, sys
harm = ("tcp_no_", "tcp_malformed", "tcp_checksum", "tcp_not_opened", "tcp_reset", "tcp_syn",
        "tcp_ack_", "tcp_timed_out", "tcp_out_of_order", "tcp_replies", "tcp_cookie_early",
        "egress_", "sip_stream", "sip_again", "sip_response_", "sip_ring", "steer_full",
        "no_buffer", "neighbour_queue", "udp_", "ip_checksum")
fine = ("sip_response_relayed", "egress_idle")
counters = json.load(sys.stdin)["counters"]
bad = {k: v for k, v in counters.items() if v and k.startswith(harm) and k not in fine}
old = sum(counters.get(k, 0) for k in ("tcp_not_acceptable", "tcp_paws", "tcp_cookie_bad"))
if old > counters.get("tcp_closed", 0) + counters.get("tx_full", 0):
    bad["old segments"] = old
print(bad)
sys.exit(bool(bad))'
}

interop_up "$1" "$PWD/tests/interop/federation-tcp.yaml"
many "$n_calls MESSAGEs over 64 connections, outside to inside" "$world_outside" 192.0.2.9 \
  "$world_inside" 10.10.0.6 192.0.2.1 192.0.2.1 alice@fabrikam-tcp.example bob@contoso-tcp.example
many "$n_calls MESSAGEs over 64 connections, inside to outside" "$world_inside" fd10::4 \
  "$world_outside" 2001:db8::6 fd10::1 '[fd10::1]' alice@contoso-six.example bob@woodgrove.example
check "no segment went astray, and no connection to a wrong worker" is_clean
check_python two_workers_tcp.py
check "still none has, with connections closed in between" is_clean
check "segments were moved to their owners" test "$(counter steered)" -gt 0
interop_end
