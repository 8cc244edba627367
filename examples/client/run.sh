#!/usr/bin/env bash
# The client library against a broker of its own: typed-orders.ts and share-work.ts, compiled. It
# checks itself: the last line is "lab passed".
#
#   examples/client/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh

node dist/examples/client/typed-orders.js "$server" | grep -x 'anna buys 2 of violin'
node dist/examples/client/share-work.js "$server"
echo "lab passed"
