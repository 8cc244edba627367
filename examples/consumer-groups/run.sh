#!/usr/bin/env bash
# Consumer groups with the client library: sharing, several groups, taking over. It checks itself:
# the last line is "lab passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh
node examples/consumer-groups/lab.mjs "$server"
echo "lab passed"
