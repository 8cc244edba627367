#!/usr/bin/env bash
# A compacted topic keeps the last value of every key, at its old offset; a null takes a key away.
# The table is the one that every course on compaction draws. It checks itself: the last line is
# "lab passed".
#
#   examples/compaction/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh

tool() {
  local name=$1
  shift
  "bin/kafka-$name.sh" --bootstrap-server "$server" "$@"
}
# produce LINES: KEY=VALUE each; NULL stands for no value.
produce() {
  printf '%s\n' "$@" | tool console-producer --topic customers --reader-property parse.key=true \
    --reader-property key.separator== --reader-property null.marker=NULL
}
consume() {
  tool console-consumer --topic customers --partition 0 --offset earliest --timeout-ms 1500 \
    --formatter-property print.offset=true --formatter-property print.key=true \
    --formatter-property key.separator== 2>/dev/null
}
# The last segment of a log is never compacted: each look writes a record that begins the next.
is_now() {
  produce 'clock=tick'
  consume | grep -v clock= | sed 's/^Offset:\([0-9]*\).\(.*\)/\1 \2/' >"$work/now"
  cmp -s "$work/now" "$1"
}

echo "1. A compacted topic. The cleaner is told, at run time, not to rest for long."
tool configs --alter --entity-type brokers --entity-default --add-config log.cleaner.backoff.ms=100
tool topics --create --topic customers --config cleanup.policy=compact \
  --config min.cleanable.dirty.ratio=0.01 --config segment.ms=100 --config delete.retention.ms=100

echo "2. Twelve updates of seven customers."
produce K1=V5 K5=V2 K2=V7 K7=V1 K8=V4 K4=V6 K1=V1 K1=V2 K1=V9 K9=V6 K8=V22 K2=V25

echo "3. Compaction leaves the last of each, in their order and at their offsets:"
printf '%s\n' '1 K5=V2' '3 K7=V1' '5 K4=V6' '8 K1=V9' '9 K9=V6' '10 K8=V22' '11 K2=V25' >"$work/after"
until_ "the compaction" is_now "$work/after"
cat "$work/now"

echo "4. A record without a key has no place there."
if echo 'no key' | tool console-producer --topic customers 2>"$work/refused"; then
  fail "a record without a key was taken"
fi
cat "$work/refused"

echo "5. K5 moves away: a null is its last value, and goes too after delete.retention.ms."
produce K5=NULL
tail -n +2 "$work/after" >"$work/without"
until_ "the tombstone to go" is_now "$work/without"
cat "$work/now"
echo "lab passed"
