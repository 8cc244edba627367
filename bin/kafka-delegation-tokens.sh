#!/bin/sh
exec node "$(dirname "$(readlink -f "$0")")/partita.js" kafka-delegation-tokens "$@"
