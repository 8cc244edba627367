# Sourced by the examples: starts a broker with data of its own, which ends and is removed with the
# script. Sets $server (host:port), and what lab.sh sets.

. examples/lab.sh

bin/kafka-server-start.sh config/server.properties \
  --override listeners=PLAINTEXT://127.0.0.1:0 --override "log.dirs=$work/kafka-logs" \
  --override group.initial.rebalance.delay.ms=0 >"$work/server.log" 2>&1 &
children+=($!)
until_ "the broker" grep -q '^partita ready' "$work/server.log"
server=$(sed -n 's|^partita ready PLAINTEXT://\([^ ]*\) .*|\1|p' "$work/server.log")
