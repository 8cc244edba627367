#!/bin/sh
# Stops the brokers that run on this machine, by SIGTERM (SIGNAL=... for another), or only the one
# with a given node id: kafka-server-stop.sh [--node-id=value]
wanted=
case "${1:-}" in
  '') ;;
  --node-id=*) wanted=${1#--node-id=} ;;
  --node-id) wanted=${2:-} ;;
  *)
    echo "usage: $0 [--node-id=value]" >&2
    exit 1
    ;;
esac

# The node id of a broker's command line: an override, else what its file says, else the default.
node_id() {
  id=$(echo "$1" | sed -n 's/.*--override[ =]node\.id=\([0-9]*\).*/\1/p')
  file=$(echo "$1" | tr ' ' '\n' | grep -m 1 '\.properties$')
  if [ -z "$id" ] && [ -r "$file" ]; then
    id=$(sed -n 's/^ *\(node\|broker\)\.id *[=: ] *\([0-9]*\).*/\2/p' "$file" | tail -n 1)
  fi
  echo "${id:-1}"
}

pids=
for pid in $(ps ax -o pid=,args= | awk '/[b]in\/partita\.js start/ { print $1 }'); do
  if [ -z "$wanted" ] || [ "$(node_id "$(ps -o args= -p "$pid")")" = "$wanted" ]; then
    pids="$pids $pid"
  fi
done
if [ -z "$pids" ]; then
  echo "No kafka server to stop" >&2
  exit 1
fi
# shellcheck disable=SC2086
kill -s "${SIGNAL:-TERM}" $pids
