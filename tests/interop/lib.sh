# shellcheck shell=bash
# What every interop test starts with: a world of two namespaces with the relay between them
# (scripts/lib/world.sh), and its results as lines `ok - what`, `not ok - what`, `skip - why`.
#
# A test sources this, calls interop_up with its first argument, runs checks and ends with
# interop_end. Processes and namespaces are gone when it ends, however it ends.

set -uo pipefail
interop_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/world.sh
. "$interop_dir/../../scripts/lib/world.sh"

n_failed=0

# result WHAT RC
result() {
  if [ "$2" = 0 ]; then
    echo "ok - $1"
  else
    echo "not ok - $1"
    n_failed=$((n_failed + 1))
  fi
}

# check WHAT COMMAND…: the command's output is shown when it fails.
check() {
  local what=$1 rc=0
  shift
  "$@" >"$world_dir/check.log" 2>&1 || rc=$?
  result "$what" "$rc"
  [ "$rc" = 0 ] || sed 's/^/# /' "$world_dir/check.log"
}

# check_python SCRIPT [ARGUMENT…]: a script of this folder prints results of its own.
check_python() {
  local rc=0
  # shellcheck disable=SC2034
  PYTHONDONTWRITEBYTECODE=1 INTEROP_INSIDE=$world_inside INTEROP_OUTSIDE=$world_outside \
    INTEROP_DEVICE_INSIDE="fr$$i" INTEROP_DEVICE_OUTSIDE="fr$$o" \
    INTEROP_FEDCTL="$world_build/control/fedctl" INTEROP_SOCKET="$world_dir/control.sock" \
    timeout "${interop_seconds:-240}" python3 "$interop_dir/$1" "${@:2}" || rc=$?
  case $rc in
    0) ;;
    1) n_failed=$((n_failed + 1)) ;;
    *) result "$1 runs to its end (it ended with $rc)" 1 ;;
  esac
}

# interop_up BUILD_DIR [DOCUMENT]: the world with a published document.
interop_up() {
  local build=$1 document=${2:-$interop_dir/federation.yaml} command
  if [ "$(id -u)" != 0 ]; then
    echo "skip - needs root: it makes network namespaces"
    exit 0
  fi
  for command in sipp python3 ip; do
    command -v "$command" >/dev/null || { echo "skip - $command is not installed"; exit 0; }
  done
  trap world_down EXIT
  trap 'exit 130' INT TERM
  if ! world_up "$build" >&2; then
    result "the relay starts and control attaches" 1
    interop_logs
    exit 1
  fi
  # shellcheck disable=SC2154
  if [ -n "${interop_certificates:-}" ] && ! world_certificates "${interop_certificates[@]}"; then
    result "the certificates are made" 1
    exit 1
  fi
  if ! world_fedctl publish "$document" >"$world_dir/publish.log" 2>&1; then
    result "the document is published" 1
    cat "$world_dir/publish.log"
    interop_logs
    exit 1
  fi
}

interop_logs() {
  local log
  world_fedctl counters 2>/dev/null | sed 's/^/# /'
  for log in dataplane control; do
    [ -f "$world_dir/$log.log" ] && tail -n 20 "$world_dir/$log.log" | sed "s/^/# $log: /"
  done
}

# counter NAME: over all workers, since the dataplane's start.
counter() {
  world_fedctl --json counters --all | python3 -c '
import json, sys
print(json.load(sys.stdin)["counters"].get(sys.argv[1], 0))' "$1"
}

generation() {
  world_fedctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["generation"])'
}

# stream_start NAMESPACE ADDRESS SERVER FROM TO RATE COUNT: MESSAGEs in the background.
stream_start() {
  world_start stream ip netns exec "$1" sipp -sf "$world_sipp_dir/stream.xml" \
    -i "$2" -p 5071 -t u1 -r "$6" -m "$7" -l 1000 -timeout 60 -nostdin -trace_counts \
    -key from_uri "$4" -key to_uri "$5" "$3:5060"
}

# stream_wait: waits for its end; sets n_delivered, n_refused, n_sent_again.
stream_wait() {
  local pid=${world_pid[stream]}
  wait "$pid" || true
  unset "world_pid[stream]"
  # shellcheck disable=SC2034
  read -r n_delivered n_refused n_sent_again < <(python3 - "$world_dir/stream_${pid}_counts.csv" <<'PY'
import csv, sys
rows = list(csv.reader(open(sys.argv[1]), delimiter=";"))
last = dict(zip(rows[0], rows[-1]))
def total(name, what):
    return sum(int(v) for k, v in last.items() if name in k and k.endswith(what))
print(total("200", "Recv"), total("403", "Recv"), total("MESSAGE", "Retrans"))
PY
  )
}

# server_start NAME NAMESPACE ADDRESS SCENARIO COUNT [udp|tcp]: SIPp's answering side, in the
# background, for server_seconds at most.
server_start() {
  local transport=u1
  [ "${6:-udp}" = udp ] || transport=t1
  world_start "$1" ip netns exec "$2" sipp -sf "$world_sipp_dir/$4.xml" \
    -i "$3" -p 5060 -t "$transport" -m "$5" -timeout "${server_seconds:-120}" -nostdin
  world_wait 5 world_listens "$2" "$3" "${6:-udp}"
}

interop_end() {
  [ "$n_failed" = 0 ] || interop_logs
  exit $((n_failed > 0))
}
