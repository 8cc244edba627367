#!/usr/bin/env bash
# The StockPrice producer with the client library, compiled: it sends for a second, is told to end,
# and what it sent is read back. It checks itself: the last line is "lab passed".
#
#   examples/stock-price-producer/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh

bin/kafka-topics.sh --bootstrap-server "$server" --create --topic stock-prices --partitions 3
node dist/examples/stock-price-producer/stock-price-producer.js "$server" >"$work/producer.log" 2>&1 &
producer=$!
children+=("$producer")
until_ "prices" grep -q '^Metric producer-metrics, record-send-total' "$work/producer.log"
kill -TERM "$producer"
wait "$producer" || fail "the producer did not end well: $(cat "$work/producer.log")"
cat "$work/producer.log"
sent=$(sed -n 's/^sent \([0-9]*\) records, 0 failed$/\1/p' "$work/producer.log")
[ -n "$sent" ] || fail "records were lost"

node dist/examples/stock-price-producer/check.js "$server" "$sent"
echo "lab passed"
