#!/usr/bin/env bash
# What is published while traffic runs takes effect at once; what cannot be published changes nothing.
#   tests/interop/publish_live.sh BUILD_DIR
cd "$(dirname "$0")/../.." || exit 2
# shellcheck source=tests/interop/lib.sh
. tests/interop/lib.sh

# refused_at LINE FILE: publishing it fails and names that line.
# shellcheck disable=SC2317
refused_at() {
  local out
  if out=$(world_fedctl publish "$2" 2>&1); then
    echo "it was published: $out"
    return 1
  fi
  echo "$out"
  grep -qE "$(basename "$2"):$1(:|\b)" <<<"$out"
}

# line_of TEXT FILE
line_of() { grep -nF -m 1 -- "$1" "$2" | cut -d: -f1; }

interop_up "$1"
document=$interop_dir/federation.yaml
server_start callee "$world_outside" 192.0.2.2 answer 100000

# A block cuts in while messages flow.
stream_start "$world_inside" 10.10.0.4 10.10.0.1 alice@contoso.example bob@fabrikam.example 200 1000
sleep 2
sed 's/^  - {domain: bad.fabrikam.example}/  - {domain: fabrikam.example}/;
  /domain: fabrikam.example, partner/d' "$document" >"$world_dir/blocked.yaml"
first=$(generation)
check "a block is published while 200 messages/s flow" world_fedctl publish "$world_dir/blocked.yaml"
relayed=$(counter sip_request_relayed)
result "the generation is a new one" "$([ "$(generation)" -gt "$first" ]; echo $?)"
stream_wait
result "no message is lost: $n_delivered delivered and $n_refused refused of 1000" \
  "$([ $((n_delivered + n_refused)) = 1000 ]; echo $?)"
result "messages were delivered before" "$([ "$n_delivered" -gt 0 ]; echo $?)"
result "and refused after" "$([ "$n_refused" -gt 0 ]; echo $?)"
result "none was relayed after publish had returned" \
  "$([ "$(counter sip_request_relayed)" = "$relayed" ]; echo $?)"
check "the former document is published again" world_fedctl publish "$document"
check "and messages pass" world_sipp "$world_inside" 10.10.0.4 message -p 5071 10.10.0.1:5060 \
  -key from_uri alice@contoso.example -key to_uri bob@fabrikam.example

# Bad documents.
now=$(generation)
bad=$world_dir/bad.yaml
sed 's/^  - {domain: evil.example/  - {domian: evil.example/' "$document" >"$bad"
check "a misspelt key is refused with its line" refused_at "$(line_of domian "$bad")" "$bad"
{ cat "$document"; echo '  - {domain: "not..a.name"}'; } >"$bad"
check "a bad name is refused with its line" refused_at "$(line_of not..a.name "$bad")" "$bad"
{ cat "$document"; echo '  - {domain: FABRIKAM.example.}'; } >"$bad"
check "a name on both lists is refused with its line" \
  refused_at "$(line_of FABRIKAM.example. "$bad")" "$bad"
{ cat "$document"; echo '  - {regex: "a(b"}'; } >"$bad"
check "an expression that does not compile is refused with its line" \
  refused_at "$(line_of 'a(b' "$bad")" "$bad"
sed 's/partner: woodgrove}/partner: woodgrave}/' "$document" >"$bad"
check "a partner that does not exist is refused with its line" \
  refused_at "$(line_of woodgrave "$bad")" "$bad"
{ cat "$document"; printf 'federation:\n  enabled: true\n'; } >"$bad"
check "a doubled key is refused with its line" \
  refused_at "$(grep -n '^federation:' "$bad" | tail -n 1 | cut -d: -f1)" "$bad"
{ cat "$document"; echo '  - {file: names.txt}'; } >"$bad"
printf 'good.example\nbad name.example\n' >"$world_dir/names.txt"
check "a bad line of a list file is refused with that file's line" bash -c "
  ! '$world_build/control/fedctl' --socket '$world_dir/control.sock' publish '$bad' >'$world_dir/out' 2>&1 &&
  grep -q 'names.txt:2' '$world_dir/out'"
result "the generation is the same after all of them" "$([ "$(generation)" = "$now" ]; echo $?)"
check "and messages still pass" world_sipp "$world_inside" 10.10.0.4 message -p 5071 10.10.0.1:5060 \
  -key from_uri alice@contoso.example -key to_uri bob@fabrikam.example

# What decided, and how often.
hits_of() {
  world_fedctl --json hits | python3 -c '
import json, sys
print(sum(row["hits"] for row in json.load(sys.stdin)["hits"] if row["entry"] == sys.argv[1]))' "$1"
}
result "hits are counted for the partner's entry: one for each of both messages" \
  "$([ "$(hits_of fabrikam.example)" = 2 ]; echo $?)"
check "the list of them says where the entry stands" bash -c "
  '$world_build/control/fedctl' --socket '$world_dir/control.sock' hits --top 5 >'$world_dir/out' 2>&1
  cat '$world_dir/out'; grep -qE '2 +allow +fabrikam.example +allow, line [0-9]+' '$world_dir/out'"

# Programs read exit codes and JSON.
# exits CODE ARGUMENT…: with that code, and with JSON where it is not a wrong usage.
# shellcheck disable=SC2317
exits() {
  local code=$1 rc=0
  shift
  world_fedctl --json "$@" >"$world_dir/out" 2>"$world_dir/err" || rc=$?
  cat "$world_dir/out" "$world_dir/err"
  [ "$rc" = "$code" ] && { [ "$code" = 2 ] || python3 -m json.tool "$world_dir/out" >/dev/null; }
}
for command in status counters hits revisions document version "core-map suggest" \
  "explain contoso.example fabrikam.example MESSAGE" "check $document"; do
  # shellcheck disable=SC2086
  check "fedctl --json $command ends with 0 and JSON" exits 0 $command
done
check "what is refused ends with 1" exits 1 document 999999
check "a document with errors ends with 1" exits 1 publish "$bad"
check "a wrong usage ends with 2" exits 2 hits --top none
check "no control ends with 3" exits 3 --socket "$world_dir/nobody.sock" status

# A good list file, relative to the document.
printf '# hosts\n0.0.0.0 listed.example\r\nother.example\n' >"$world_dir/names.txt"
check "a document with a list file is published" world_fedctl publish "$bad"
check "what the file lists is blocked, and explain says where it stands" bash -c "
  '$world_build/control/fedctl' --socket '$world_dir/control.sock' explain \
    sip:a@x.listed.example sip:b@contoso.example MESSAGE >'$world_dir/out' 2>&1
  cat '$world_dir/out'; grep -q 'names.txt:2' '$world_dir/out' && grep -q from_blocked '$world_dir/out'"
interop_end
