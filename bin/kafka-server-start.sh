#!/bin/sh
# Starts a broker: kafka-server-start.sh [-daemon] server.properties [--override key=value]...
# With -daemon it goes on in the background and writes to $LOG_DIR (logs beside bin) /server.out.
home=$(dirname "$(dirname "$(readlink -f "$0")")")
if [ $# -lt 1 ]; then
  echo "usage: $0 [-daemon] server.properties [--override key=value]..." >&2
  exit 1
fi
if [ "$1" = -daemon ]; then
  shift
  logs=${LOG_DIR:-$home/logs}
  mkdir -p "$logs"
  nohup node "$home/bin/partita.js" start "$@" >"$logs/server.out" 2>&1 </dev/null &
  exit 0
fi
exec node "$home/bin/partita.js" start "$@"
