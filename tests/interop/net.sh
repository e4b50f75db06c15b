#!/usr/bin/env bash
# The dataplane's network layers against those of Linux, over TAP, with two workers: neighbours,
# echoes, fragments, a VLAN, a gateway. What answers at the end is the relay without a policy: 503.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

# shellcheck source=scripts/lib/packages.sh
. scripts/lib/packages.sh
# shellcheck source=scripts/lib/world.sh
. scripts/lib/world.sh

need_root
world_workers=2
trap world_down EXIT

# No policy is needed, so no control; a gateway inside, and a VLAN outside.
world_control() { :; }
eval "$(declare -f world_core_map | sed '1s/world_core_map/plain_core_map/')"
world_core_map() {
  plain_core_map | sed -e '/name: inside$/a\    gateway: 10.10.0.2\n    gateway6: "fd10::2"' \
    -e '/name: outside$/a\    vlan: 7'
}

# tell WHAT COMMAND…
tell() {
  local what=$1
  shift
  if "$@" >"$world_dir/step.log" 2>&1; then
    echo "ok - $what"
  else
    echo "not ok - $what"
    sed 's/^/  /' "$world_dir/step.log"
  fi
}

not() { ! "$@"; }

# answered NAMESPACE FROM TO BODY-BYTES: an OPTIONS with a body of this size is answered over UDP.
answered() {
  ip netns exec "$1" timeout 10 python3 - "$2" "$3" "$4" <<'EOF'
import socket, sys
source, relay, n = sys.argv[1], sys.argv[2], int(sys.argv[3])
six = ":" in source
host = f"[{source}]" if six else source
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((source, 5060))
s.settimeout(1)
message = (
    "OPTIONS sip:b.example SIP/2.0\r\n"
    f"Via: SIP/2.0/UDP {host}:5060;branch=z9hG4bKnet{n}\r\n"
    "Max-Forwards: 70\r\nFrom: <sip:a@a.example>;tag=1\r\nTo: <sip:b.example>\r\n"
    f"Call-ID: {n}\r\nCSeq: 1 OPTIONS\r\nContent-Length: {n}\r\n\r\n" + "x" * n
)
for _ in range(4):
    s.sendto(message.encode(), (relay, 5060))
    try:
        sys.exit(not s.recv(65536).startswith(b"SIP/2.0 503 "))
    except socket.timeout:
        pass
sys.exit(1)
EOF
}

ping_in() { world_in ping -q -n -i 0.2 -W 1 "$@"; }

# What the kernel believes after it has tried out the relay's address for itself.
address_is_taken() {
  # So many times, a second apart: more than a busy machine lets an answer wait.
  world_in sysctl -qw "net.ipv6.conf.$1.dad_transmits=8"
  world_in ip addr add fd10::1/64 dev "$1"
  world_wait 12 dad_failed "$1"
  local rc=$?
  world_in ip addr del fd10::1/64 dev "$1"
  return "$rc"
}
dad_failed() { world_in ip -6 addr show dev "$1" | grep -q 'fd10::1/64.*dadfailed'; }

is_reachable() { world_in ip neigh show "$1" | grep -q REACHABLE; }

world_up "$1" || { echo "not ok - the dataplane starts"; exit 1; }
device="fr$$i"
# A TAP has one MAC address for both of its ends, which hides who answers.
world_in ip link set "$device" address 0a:00:00:00:00:22

tell "an IPv4 echo is answered" ping_in -c 3 10.10.0.1
tell "an IPv6 echo is answered" ping_in -c 3 fd10::1
tell "the kernel finds the neighbour reachable over ARP" world_wait 5 is_reachable 10.10.0.1
tell "the kernel finds the neighbour reachable by neighbour discovery" \
  world_wait 5 is_reachable fd10::1
tell "an IPv4 echo of 5000 bytes is answered in fragments" ping_in -c 2 -s 5000 10.10.0.1
tell "an IPv6 echo of 5000 bytes is answered in fragments" ping_in -c 2 -s 5000 fd10::1
tell "an echo to a foreign address is not answered" not ping_in -c 1 10.10.0.77
tell "duplicate address detection finds our IPv4 address taken" \
  not world_in arping -D -c 8 -w 10 -I "$device" 10.10.0.1
tell "duplicate address detection finds our IPv6 address taken" address_is_taken "$device"

for n in 10 4000; do
  tell "a datagram with $n bytes of body is answered over IPv4" \
    answered "$world_inside" 10.10.0.3 10.10.0.1 "$n"
  tell "a datagram with $n bytes of body is answered over IPv6" \
    answered "$world_inside" fd10::3 fd10::1 "$n"
done

world_in ip addr add 10.99.0.1/32 dev lo
world_in ip addr add fd99::1/128 dev lo nodad
tell "a far IPv4 address is answered by the gateway" \
  answered "$world_inside" 10.99.0.1 10.10.0.1 10
tell "a far IPv6 address is answered by the gateway" \
  answered "$world_inside" fd99::1 fd10::1 10

world_in ip link set "$device" address 0a:00:00:00:00:77
world_in arping -q -U -c 1 -I "$device" 10.10.0.3
tell "a neighbour that announced another MAC address is reached" \
  answered "$world_inside" 10.10.0.3 10.10.0.1 10

tell "an untagged echo on a VLAN port is not answered" \
  not world_out ping -q -n -c 1 -W 1 192.0.2.1
if world_out ip link add link "fr$$o" name tagged type vlan id 7 2>/dev/null; then
  world_out ip addr flush dev "fr$$o"
  world_out ip link set tagged up
  world_out ip addr add 192.0.2.2/24 dev tagged
  world_out ip addr add 2001:db8::2/64 dev tagged nodad
  tell "a tagged IPv4 echo is answered" world_out ping -q -n -c 1 -W 1 192.0.2.1
  tell "a tagged IPv6 echo is answered" world_out ping -q -n -c 1 -W 1 2001:db8::1
  tell "a tagged datagram is answered" answered "$world_outside" 2001:db8::2 2001:db8::1 4000
else
  echo "skip - this kernel has no VLAN devices"
fi
