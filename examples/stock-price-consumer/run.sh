#!/usr/bin/env bash
# The consumers of the stock price labs against a broker of its own. Each part checks itself: the
# last line is "lab passed".
#
#   examples/stock-price-consumer/run.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh

node dist/examples/stock-price-consumer/main.js "$server"
echo "lab passed"
