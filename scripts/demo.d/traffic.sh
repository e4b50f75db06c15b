# shellcheck shell=bash disable=SC2154
# What happens while messages flow. Sourced by scripts/demo.

# stream NAME FROM TO RATE COUNT: MESSAGEs in the background.
stream() {
  local namespace caller callee server transport
  place "$2"
  world_start "$1" ip netns exec "$namespace" sipp -sf "$world_sipp_dir/stream.xml" \
    -i "$caller" -p 5071 -t "$transport" -r "$4" -m "$5" -timeout 60 -nostdin -trace_counts \
    -key from_uri "alice@$2" -key to_uri "bob@$3" "$server:5060"
}

# stream_wait NAME: waits for the stream's end; sets n_delivered, n_refused, n_sent_again.
stream_wait() {
  local pid=${world_pid[$1]}
  wait "$pid" || true
  unset "world_pid[$1]"
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

generation() {
  world_fedctl --json status | python3 -c 'import json, sys; print(json.load(sys.stdin)["generation"])'
}

# How many sessions fabrikam has.
n_of_fabrikam() {
  sessions | grep -c '^fabrikam\.example' || true
}

fabrikam_is_gone() {
  [ "$(n_of_fabrikam)" = 0 ]
}

block_while_traffic_runs() {
  local before after ms rc=0 n_live
  answer fabrikam.example answer 100000
  stream out contoso.example fabrikam.example 100 400
  sleep 1.5
  n_live=$(n_of_fabrikam)
  { cat scripts/demo.d/federation.yaml; echo "  - {domain: fabrikam.example}"; } |
    sed '/domain: fabrikam.example, partner/d' >"$world_dir/blocked.yaml"
  ms=$(date +%s%N)
  world_fedctl publish "$world_dir/blocked.yaml" >"$world_dir/publish.log" 2>&1 || rc=1
  ms=$(( ($(date +%s%N) - ms) / 1000000 ))
  before=$(counter sip_request_relayed)
  world_wait 3 fabrikam_is_gone || rc=1
  stream_wait out
  after=$(counter sip_request_relayed)
  world_end callee
  [ "$n_live" -gt 0 ] && [ "$n_delivered" -gt 0 ] && [ "$n_refused" -gt 0 ] &&
    [ $((n_delivered + n_refused)) = 400 ] && [ "$before" = "$after" ] || rc=1
  result "a block of fabrikam published" "$rc" \
    "$n_delivered delivered, then $n_refused refused, none relayed after publish returned ($ms ms); $n_live sessions cut"
  world_fedctl publish scripts/demo.d/federation.yaml >"$world_dir/publish.log" 2>&1
}

# Both ways, over sessions of fabrikam's that were there before and are there after.
control_dies() {
  local before after n_before n_there n_out n_again is rc=0
  is=$(generation)
  answer fabrikam.example answer 100000
  world_pid[callee-out]=${world_pid[callee]}
  answer contoso.example answer 100000
  stream out contoso.example fabrikam.example 100 300
  stream in fabrikam.example contoso.example 100 300
  sleep 1
  before=$(sessions)
  world_end control KILL
  sleep 0.5
  world_control || rc=1
  after=$(sessions)
  [ "$is" = "$(generation)" ] || rc=1
  stream_wait out
  n_out=$n_delivered n_again=$n_sent_again
  stream_wait in
  n_again=$((n_again + n_sent_again))
  world_end callee
  world_end callee-out
  # SIPp sends again over UDP what a busy machine kept from being answered for half a second; what
  # is lost over TLS nobody sends again.
  [ "$n_out" = 300 ] && [ "$n_delivered" = 300 ] || rc=1
  result "control killed with SIGKILL" "$rc" \
    "$n_out of 300 out and $n_delivered of 300 in delivered, $n_again sent again; back with generation $is"
  # Others may have come meanwhile.
  n_before=$(echo "$before" | grep -c '^[a-z]*\.example' || true)
  n_there=$(comm -12 <(echo "$before") <(echo "$after") | grep -c '^[a-z]*\.example' || true)
  [ "$n_there" = "$n_before" ] && [ "$n_there" -ge 2 ] && rc=0 || rc=1
  result "  its successor knows every session, and whose it is" "$rc" "$n_there of $n_before"
  if [ "$check" = 0 ]; then
    say ""
    world_fedctl sessions
  fi
}
