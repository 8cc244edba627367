#!/usr/bin/env bash
# The client library against a broker of its own: share-work.ts, compiled. It checks itself: the
# last line is "lab passed".
#
#   examples/client/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
broker=
finish() {
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  [ -z "$broker" ] || wait "$broker" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT

bin/kafka-server-start.sh config/server.properties \
  --override "listeners=PLAINTEXT://127.0.0.1:${LAB_PORT:-0}" \
  --override group.initial.rebalance.delay.ms=0 \
  --override "log.dirs=$work/kafka-logs" >"$work/server.log" 2>&1 &
broker=$!
for _ in $(seq 100); do
  grep -q '^partita ready' "$work/server.log" && break
  kill -0 "$broker" 2>/dev/null || break
  sleep 0.1
done
if ! ready=$(grep -m 1 '^partita ready' "$work/server.log"); then
  echo "lab failed: the server did not become ready: $(cat "$work/server.log")" >&2
  exit 1
fi
server=$(echo "$ready" | sed 's|.*PLAINTEXT://\([^ ]*\) .*|\1|')

node dist/examples/client/share-work.js "$server"
echo "lab passed"
