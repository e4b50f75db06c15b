# shellcheck shell=bash
# fedload's ports on a link that is a bridge in a namespace. Sourced after lib.sh; needs world_build
# and world_dir.
# shellcheck disable=SC2154

# link_make NAMESPACE [ADDRESS/BITS …]: the bridge, with addresses for programs of the kernel's. For
# those the kernel answers on the bridge only, not on a TAP that has not joined it, and with a MAC
# address that no port that joins changes.
link_make() {
  local namespace=$1 address
  shift
  ip netns exec "$namespace" sysctl -q -w net.ipv4.conf.all.arp_ignore=1 &&
    ip -n "$namespace" link add link0 address 02:00:00:00:00:01 type bridge &&
    ip -n "$namespace" link set link0 up || return 1
  for address in "$@"; do
    ip -n "$namespace" addr add "$address" dev link0
  done
}

# mac_of NAME PREFIX: a MAC address of its own for every name, and prefix of two octets.
mac_of() {
  printf '%s' "$1" | md5sum | sed "s/^\(..\)\(..\)\(..\)\(..\).*/$2:\1:\2:\3:\4/"
}

# link_join NAMESPACE DEVICE: a TAP there. Its kernel end has the port's own MAC address, which a
# bridge would take for itself: it gets another one. It loses addresses that the world gave it, which
# the kernel would answer for.
link_join() {
  ip -n "$1" addr flush dev "$2" &&
    ip -n "$1" link set "$2" address "$(mac_of "$2" 02:00)" &&
    ip -n "$1" link set "$2" master link0 &&
    ip -n "$1" link set "$2" up
}

# fedload_start NAME NAMESPACE ADDRESS/BITS [OPTION …]: in the background, its port on the bridge. It
# starts in the namespace: a TAP that is moved there is heard by the machine's own kernel before, which
# may have the address of the peer that fedload asks for, and answers. The MAC addresses that the TAP
# driver draws are at times the same in two processes.
fedload_start() {
  local name=$1 namespace=$2 address=$3 device="fr$$$1"
  shift 3
  rm -f "$world_dir/$name.log" # what a former one said
  world_start "$name" ip netns exec "$namespace" "$world_build/tests/load/fedload" --sleep \
    --device "net_tap0,iface=$device,mac=$(mac_of "$device" 02:01)" --address "$address" "$@"
  world_wait 30 grep -q 'fedload: ready' "$world_dir/$name.log" &&
    link_join "$namespace" "$device"
}

# fedload_wait NAME: its exit status.
fedload_wait() {
  local pid=${world_pid[$1]} rc=0
  world_wait 90 world_gone "$pid" || kill -TERM "$pid" 2>/dev/null
  wait "$pid" || rc=$?
  unset "world_pid[$1]"
  [ "$rc" = 0 ] || grep -hv '^dpdk: ' "$world_dir/$1.log"
  return "$rc"
}

# fedload_stop NAME: ends a callee; its exit status.
fedload_stop() {
  kill -TERM "${world_pid[$1]}"
  fedload_wait "$1"
}

# fedload_said NAME WHAT: a number of its report, in JSON.
fedload_said() {
  grep -h '^{' "$world_dir/$1.log" | tail -n 1 |
    python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}
