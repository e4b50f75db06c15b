#!/usr/bin/env bash
# The bare TCP engine against lwIP's TCP, a second one that neither we nor Linux wrote: no SACK, no
# timestamps, one segment repeated a recovery, timers of half a second. Frames go from program to
# program, without devices; then through a wire that loses, repeats, reorders and damages them. As
# client and as server, IPv4 and IPv6.
#   tests/interop/tcp_lwip.sh BUILD_DIR
# device=right|wrong|none: two workers of the product in the engine's place, whose device says the hash
# of RSS so (tcp_lwip_workers.sh); fewer cases.
# world_keep=1 keeps the logs and the traces (.pcap) of cases that failed.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

# shellcheck source=scripts/lib/world.sh
. scripts/lib/world.sh

build=$1/tests/wire
dir=$(mktemp -d)
n_cases=0
faults=(--seed 7 --loss 1 --duplicate 1 --corrupt 1 --reorder 2 --reorder-ms 3 --delay-ms 1 --jitter-ms 1)

reported() { grep -q '^right' "$world_dir/$1.log" || world_gone "${world_pid[$1]}"; }

# both_up ROLE WIRE OURS THEIRS ARGUMENTS…: either talker, with our engine in this role.
both_up() {
  local role=$1 wire=$2 ours=$3 theirs=$4 port="listen:$world_dir/theirs"
  shift 4
  if [ "$wire" = lossy ]; then
    world_start wire "$build/lossy-wire" --a "listen:$world_dir/ours" --b "listen:$world_dir/theirs" \
      "${faults[@]}"
    world_wait 5 test -S "$world_dir/ours" || return 1
    port="connect:$world_dir/ours"
  fi
  local engine=(timeout 120 "$build/engine-talker" --port "$port" --address "$ours") bits=24
  if [ -n "${device:-}" ]; then
    [[ "$ours" != *:* ]] || bits=64
    engine=(timeout 120 "$build/worker-talker" --port "$port" --device "$device" --address "$ours/$bits")
  fi
  local lwip=(timeout 120 "$build/lwip-talker" --port "connect:$world_dir/theirs"
    --address "$theirs" --pcap "$world_dir/frames.pcap" "${options[@]}")
  case "$role" in
    client) engine+=(ask "$theirs" 7000 "$@") lwip+=(serve "$theirs" 7000) ;;
    server) engine+=(serve "$ours" 7000 "${serving[@]}") lwip+=(ask "$ours" 7000 "$@") ;;
  esac
  world_start engine "${engine[@]}"
  world_wait 30 test -S "$world_dir/theirs" || return 1
  world_start lwip "${lwip[@]}"
}

# exchange ROLE FAMILY WIRE COUNT ARGUMENTS…: COUNT connections, all right at both ends, and nothing
# left in our engine. What lwip-talker is told besides is in $options.
exchange() {
  local role=$1 family=$2 wire=$3 count=$4 ours=10.0.0.1 theirs=10.0.0.2 rc=0 name
  shift 4
  [ "$family" = 4 ] || { ours=fd00::1 theirs=fd00::2; }
  local serving=(--count "$count")
  # Who has reset has done all, but must be there to reset again what the wire lost.
  [[ " $* " != *" reset "* ]] || serving=()
  both_up "$role" "$wire" "$ours" "$theirs" --count "$count" --seconds 100 "$@" || return 1
  if [ "$role" = server ]; then
    world_wait 110 reported lwip || rc=1
    [ ${#serving[@]} -gt 0 ] || kill "${world_pid[engine]}"
  fi
  # Our engine ends when all is said; its peer is there to hear it.
  world_wait 110 world_gone "${world_pid[engine]}" || rc=1
  for name in engine lwip wire; do
    [ -z "${world_pid[$name]:-}" ] || world_end "$name"
  done
  for name in engine lwip; do
    grep -q "^right $count wrong 0 " "$world_dir/$name.log" || rc=1
  done
  grep -q '^left conns 0 half-open 0 chunks 0 ' "$world_dir/engine.log" || rc=1
  return "$rc"
}

end_case() {
  local name
  for name in "${!world_pid[@]}"; do
    world_end "$name"
  done
}

# check WHAT ROLE FAMILY WIRE COUNT ARGUMENTS…
check() (
  what=$1
  shift
  world_pid=()
  world_dir=$dir/$n_cases
  mkdir "$world_dir"
  trap end_case EXIT
  trap 'exit 143' TERM
  if exchange "$@"; then
    echo "ok - $what"
  else
    echo "not ok - $what"
    for log in "$world_dir"/*.log; do
      sed "s/^/# $(basename "$log" .log): /" "$log"
    done
    [ -z "${world_keep:-}" ] || { echo "# kept in $world_dir"; exit; }
  fi
  rm -rf "$world_dir"
)

# Cases through the lossy wire mostly wait for lwIP's timers: they run side by side.
begin() {
  n_cases=$((n_cases + 1))
  check "$@" >"$dir/$n_cases.out" 2>&1 &
}

collect() {
  wait
  local out
  for out in $(printf '%s\n' "$dir"/*.out | sort -V); do
    cat "$out"
    rm "$out"
  done
}

end() {
  local jobs
  mapfile -t jobs < <(jobs -p)
  [ ${#jobs[@]} = 0 ] || kill "${jobs[@]}" 2>/dev/null
  wait
  rmdir "$dir" 2>/dev/null || [ -n "${world_keep:-}" ] || rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

# cases ROLE WIRE ENGINE_MB LWIP_MB MANY CHURN
cases() {
  local role=$1 wire=$2 many=$5 churn=$6 family
  local size=(--up "${3}000000" --down "${4}000000") title="$name as $1, $2 wire"
  [ "$role" = client ] || size=(--up "${4}000000" --down "${3}000000")
  for family in 4 6; do
    "$run" "IPv$family, $title: $3 MB to lwIP and $4 MB from it arrive byte for byte" \
      "$role" "$family" "$wire" 1 "${size[@]}"
  done
  "$run" "$title: $many connections at once" \
    "$role" 4 "$wire" "$many" --at-once "$many" --up 10000 --down 20000
  "$run" "$title: the server sends after the client's FIN" \
    "$role" 6 "$wire" 20 --at-once 10 --kind after-fin --up 50000 --down 100000
  "$run" "$title: the server resets in the middle" \
    "$role" 4 "$wire" 20 --at-once 10 --kind reset --up 500000
  "$run" "$title: the server reads nothing for 1.5 s" \
    "$role" 6 "$wire" 2 --at-once 2 --kind stall --stall-ms 1500 --up 1500000 --down 20000
  "$run" "$title: $churn connections come and go" \
    "$role" 4 "$wire" "$churn" --at-once 50 --up 100 --down 100
}

name="our engine"
options=()
run=check
if [ -n "${device:-}" ]; then
  name="two workers, hash $device,"
  cases client plain 20 20 200 500
  cases server plain 20 20 200 500
  run=begin
  [ "$device" = right ] || cases server lossy 2 1 50 50
  collect
  exit
fi
cases client plain 100 100 1000 3000
cases server plain 100 100 1000 3000
options=(--ports 64)
check "connections come again from 64 ports while our engine has them in TIME_WAIT" \
  server 4 plain 1000 --at-once 8 --up 100000
# Its first sequence number: 2 MB before the end of their space, within the transfer.
options=(--ticks 0xffe00000)
check "sequence numbers of lwIP's end wrap" server 4 plain 1 --up 5000000 --down 5000000

options=()
run=begin
# A lost segment often costs lwIP's sender more than a second.
cases client lossy 10 1 200 500
cases server lossy 10 1 200 500
collect
