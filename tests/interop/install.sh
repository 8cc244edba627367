#!/usr/bin/env bash
# Installs what the interop tests need on a Debian machine: kcat, a Java runtime with Maven, and
# Kafka's own tools in a cache folder outside the tree, so that a fresh clone reuses them.
set -euo pipefail
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/partita"
kafka_version=$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' kafka/pom.xml)

missing=()
command -v kcat >/dev/null || missing+=(kafkacat)
command -v java >/dev/null || missing+=(default-jre-headless)
command -v mvn >/dev/null || missing+=(maven)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
fi

kafka="$cache/kafka-$kafka_version"
if [ ! -e "$kafka/.complete" ]; then
  echo "fetching Kafka $kafka_version into $kafka"
  mvn -q -B -f kafka/pom.xml dependency:copy-dependencies -DoutputDirectory="$kafka"
  touch "$kafka/.complete"
fi
echo "kcat $(kcat -V 2>&1 | sed -n 's/^Version \([^ ]*\).*/\1/p'), $(java -version 2>&1 | head -n 1), Kafka $kafka_version"
