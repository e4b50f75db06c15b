# shellcheck shell=bash
# A small world on one machine: our organisation and its partners in two network namespaces, joined
# only by the relay over two TAP ports. Sourced by scripts/demo and tests/interop.
#
#   inside namespace                relay                 outside namespace
#   10.10.0.2 … 10.10.0.9     10.10.0.1 │ 192.0.2.1      192.0.2.2 … 192.0.2.9
#   fd10::2 … fd10::9           fd10::1 │ 2001:db8::1    2001:db8::2 … 2001:db8::9
#
# Everything made here carries this shell's process id in its name and is gone after world_down,
# which callers put in an EXIT trap. Processes are ended by the ids that were noted when they started.

world_build=            # folder with the executables
world_dir=              # sockets, state, logs
world_inside="fr$$-in"  # namespaces
world_outside="fr$$-out"
world_workers=${world_workers:-1}
world_control_options=() # more of control's, from the caller
world_command=()
declare -A world_pid=() # by the name given to world_start

# world_start NAME COMMAND…: in the background, output to NAME.log, noted for world_down.
world_start() {
  local name=$1
  shift
  (cd "$world_dir" && exec "$@") >"$world_dir/$name.log" 2>&1 </dev/null &
  world_pid[$name]=$!
}

# world_end NAME [SIGNAL]: ends one of them and waits for it.
world_end() {
  local pid=${world_pid[$1]:-}
  [ -n "$pid" ] || return 0
  kill "-${2:-TERM}" "$pid" 2>/dev/null || true
  world_wait 10 world_gone "$pid" || kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  unset "world_pid[$1]"
} 2>/dev/null # bash tells of every process that a signal ended

world_gone() {
  ! kill -0 "$1" 2>/dev/null
}

# world_listens NAMESPACE ADDRESS [udp|tcp]: something is bound to port 5060 there.
world_listens() {
  local kind=-Hlun
  [ "${3:-udp}" = udp ] || kind=-Hltn
  ip netns exec "$1" ss "$kind" | grep -qF -e " $2:5060 " -e " [$2]:5060 "
}

# world_wait SECONDS COMMAND…: until the command succeeds; 1 when it does not in time.
world_wait() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || return 1
    sleep 0.05
  done
}

world_in() { ip netns exec "$world_inside" "$@"; }
world_out() { ip netns exec "$world_outside" "$@"; }
world_fedctl() { "$world_build/control/fedctl" --socket "$world_dir/control.sock" "$@"; }

# The core map of this world. A second worker shares core 0 with the main thread.
world_core_map() {
  local core
  cat <<EOF
idle: sleep
hugepages: ${world_hugepages:-auto}
main_core: 0
memory:
  packets: 8192
control:
  socket: $world_dir/dataplane.sock
  user: nobody
user: daemon
ports:
  - name: inside
    device: net_tap0,iface=fr$$i
    addresses: [10.10.0.1/24, "fd10::1/64"]
  - name: outside
    device: net_tap1,iface=fr$$o
    addresses: [192.0.2.1/24, "2001:db8::1/64"]
workers:
EOF
  for ((core = 1; core >= 0 && 1 - core < world_workers; core--)); do
    echo "  - core: $core"
  done
  cat <<EOF
listeners:
  - {name: inside4, port: inside, address: 10.10.0.1, udp: 5060, side: inside}
  - {name: inside6, port: inside, address: "fd10::1", udp: 5060, side: inside}
  - {name: outside4, port: outside, address: 192.0.2.1, udp: 5060, side: outside}
  - {name: outside6, port: outside, address: "2001:db8::1", udp: 5060, side: outside}
  - {name: inside4-tcp, port: inside, address: 10.10.0.1, tcp: 5060, side: inside}
  - {name: inside6-tcp, port: inside, address: "fd10::1", tcp: 5060, side: inside}
  - {name: outside4-tcp, port: outside, address: 192.0.2.1, tcp: 5060, side: outside}
  - {name: outside6-tcp, port: outside, address: "2001:db8::1", tcp: 5060, side: outside}
  - {name: inside4-tls, port: inside, address: 10.10.0.1, tls: 5061, side: inside}
  - {name: inside6-tls, port: inside, address: "fd10::1", tls: 5061, side: inside}
  - {name: outside4-tls, port: outside, address: 192.0.2.1, tls: 5061, side: outside}
  - {name: outside6-tls, port: outside, address: "2001:db8::1", tls: 5061, side: outside}
EOF
}

# world_device TAP NAMESPACE V4-PREFIX V6-PREFIX: moves a TAP of the dataplane to where its users are.
world_device() {
  local host
  ip link set "$1" netns "$2"
  ip -n "$2" link set "$1" up
  for host in 2 3 4 5 6 7 8 9; do
    ip -n "$2" addr add "$3$host/24" dev "$1"
    ip -n "$2" addr add "$4$host/64" dev "$1" nodad
  done
}

world_dataplane() {
  rm -f "$world_dir/dataplane.log" # what a former one said
  world_start dataplane "$world_build/dataplane/fedrelay-dataplane" "$world_dir/core-map.yaml"
  if ! world_wait 30 grep -q 'control attaches at' "$world_dir/dataplane.log"; then
    cat "$world_dir/dataplane.log" >&2
    return 1
  fi
  world_device "fr$$i" "$world_inside" 10.10.0. fd10::
  world_device "fr$$o" "$world_outside" 192.0.2. 2001:db8::
}

# world_control_command: into the array world_command.
world_control_command() {
  world_command=("$world_build/control/fedrelay-control" --user nobody
    --dataplane "$world_dir/dataplane.sock" --socket "$world_dir/control.sock"
    --state "$world_dir/state" --certificates "$world_dir/certificates" "${world_control_options[@]}")
}

world_control() {
  world_control_command
  world_start control "${world_command[@]}"
  if ! world_wait 20 world_attached; then
    cat "$world_dir/control.log" >&2
    return 1
  fi
}

world_attached() {
  [ "$(world_fedctl --json status | python3 -c 'import json,sys; print(json.load(sys.stdin)["attached"])')" = True ]
}

# world_up BUILD_DIR
world_up() {
  world_build=$1
  world_dir=$(mktemp -d /tmp/fedrelay.XXXXXX)
  chmod 755 "$world_dir"
  mkdir "$world_dir/state" "$world_dir/certificates"
  chown nobody "$world_dir/state"
  ip netns add "$world_inside"
  ip netns add "$world_outside"
  ip -n "$world_inside" link set lo up
  ip -n "$world_outside" link set lo up
  world_core_map >"$world_dir/core-map.yaml"
  world_dataplane && world_control
}

world_down() {
  local name namespace
  for name in "${!world_pid[@]}"; do
    world_end "$name"
  done
  for namespace in "$world_inside" "$world_outside"; do
    ip netns del "$namespace" 2>/dev/null || true
  done
  [ -z "$world_dir" ] || [ -n "${world_keep:-}" ] || rm -rf "$world_dir"
}

# world_certificates DOMAIN…: a CA, a certificate for each domain and bad ones for the first
# (scripts/gen-certs) in $world_dir/ca; the second domain's is what control shows, by the CA that it
# trusts and with its revocation list. A test that wants others writes them to certificates itself.
world_certificates() {
  local ca=$world_dir/ca own=$world_dir/certificates
  "$world_scripts/gen-certs" "$ca" "$@" || return 1
  cp "$ca/$2.pem" "$own/edge.pem" && cp "$ca/$2.key" "$own/edge.key" &&
    cp "$ca/ca.pem" "$own/ca.pem" && cp "$ca/ca.crl" "$own/ca.crl" || return 1
  chown -R nobody "$own" && chmod 600 "$own/edge.key"
}

# world_sipp NAMESPACE ADDRESS SCENARIO [sipp arguments]: one SIPp, foreground, bounded in time.
# SCENARIO is a file of tests/interop/sipp without its .xml. Its exit code is SIPp's. Over UDP, or as
# world_transport says in SIPp's words: t1, tn, ….
world_sipp() {
  local namespace=$1 address=$2 scenario=$3
  shift 3
  ( cd "$world_dir" && timeout 60 ip netns exec "$namespace" sipp -sf "$world_sipp_dir/$scenario.xml" \
      -i "$address" -t "${world_transport:-u1}" -m 1 -timeout 20 -timeout_error -nostdin "$@" )
}
world_scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
world_sipp_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../tests/interop/sipp" && pwd)
