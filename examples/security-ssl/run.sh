#!/usr/bin/env bash
# Three brokers whose clients, and who themselves, prove who they are with certificates: made with
# keytool and openssl, step by step, as Kafka's courses do. It checks itself: the last line is
# "lab passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/secured-brokers.sh

echo "1. Make a key for the cluster, a certificate authority, and the stores."
make_keys
ls "$certs"

echo "2. Start three brokers: plaintext for tools, SSL for clients and between brokers."
{
  echo 'listeners=PLAINTEXT://localhost:0,SSL://localhost:0'
  key_settings
  echo 'ssl.client.auth=required'
  echo 'security.inter.broker.protocol=SSL'
} >"$work/server.properties"
start_brokers "$work/server.properties"
plain=$(servers PLAINTEXT 3)
secured=$(servers SSL 3)

echo "3. Create a topic with three replicas. Followers fetch over SSL."
bin/kafka-topics.sh --bootstrap-server "$plain" --create --topic stock-prices \
  --partitions 3 --replication-factor 3
until_ "all replicas" in_sync "$plain"
cat "$work/described"

echo "4. Produce and consume over SSL."
{
  echo 'security.protocol=SSL'
  key_settings
} >"$work/client.properties"
trade "$secured" "$work/client.properties" "$work/client.properties"

echo "5. Who shows no certificate, trusts another authority or looks for a host's name is refused."
topics=(bin/kafka-topics.sh --bootstrap-server "$secured" --list --command-config)
grep -v keystore "$work/client.properties" >"$work/nobody.properties"
refused 'a client without a certificate' 'certificate' "${topics[@]}" "$work/nobody.properties"
grep -v truststore "$work/client.properties" >"$work/stranger.properties"
refused 'an authority that nobody trusts' 'trusted' "${topics[@]}" "$work/stranger.properties"
grep -v endpoint "$work/client.properties" >"$work/careful.properties"
refused 'a certificate without the name' 'name' "${topics[@]}" "$work/careful.properties"

echo "lab passed"
