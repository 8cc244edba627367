#!/usr/bin/env bash
# Exactly once, at least once, at most once: exactly-once.ts, compiled, against a broker of its
# own. It checks itself: the last line is "lab passed".
#
#   examples/transactions/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh
node dist/examples/transactions/exactly-once.js "$server"
echo "lab passed"
