# Sourced by the examples: starts a broker with data of its own, and ends and removes it with the
# script. Sets $work (a temporary folder), $server (host:port), and the functions fail and until_.

work=$(mktemp -d)
broker=
children=()
finish() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "lab failed: $*" >&2
  exit 1
}
# until_ WHAT COMMAND...: repeats the command until it succeeds, for half a minute.
until_() {
  local what=$1
  shift
  for _ in $(seq 150); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  fail "waited in vain for $what"
}

bin/kafka-server-start.sh config/server.properties \
  --override listeners=PLAINTEXT://127.0.0.1:0 --override "log.dirs=$work/kafka-logs" \
  --override group.initial.rebalance.delay.ms=0 >"$work/server.log" 2>&1 &
broker=$!
until_ "the broker" grep -q '^partita ready' "$work/server.log"
server=$(sed -n 's|^partita ready PLAINTEXT://\([^ ]*\) .*|\1|p' "$work/server.log")
