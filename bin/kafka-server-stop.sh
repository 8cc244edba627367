#!/bin/sh
# Stops the brokers that run on this machine, by SIGTERM (SIGNAL=... for another).
pids=$(ps ax -o pid=,args= | awk '/[b]in\/partita\.js start/ { print $1 }')
if [ -z "$pids" ]; then
  echo "No kafka server to stop" >&2
  exit 1
fi
# shellcheck disable=SC2086
kill -s "${SIGNAL:-TERM}" $pids
