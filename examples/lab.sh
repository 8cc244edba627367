# Sourced by what the labs share, and by labs that start brokers themselves: a temporary folder,
# $work, which is removed with the script, the processes that end with it ($children), and the
# functions fail and until_.

work=$(mktemp -d)
children=()
finish() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
fail() {
  echo "lab failed: $*" >&2
  exit 1
}
# until_ WHAT COMMAND...: repeats the command until it succeeds, for a minute.
until_() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  fail "waited in vain for $what: $(tail -q -n 3 "$work"/*.log)"
}
