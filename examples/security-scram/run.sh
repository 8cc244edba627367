#!/usr/bin/env bash
# Three brokers whose users have salted passwords (SASL SCRAM over TLS) that the cluster keeps:
# kafka-configs.sh makes them, also the one that the brokers need among themselves. It checks
# itself: the last line is "lab passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/secured-brokers.sh
make_keys

module=org.apache.kafka.common.security.scram.ScramLoginModule
# jaas SECTION USER PASSWORD: prints what goes into KAFKA_OPTS.
jaas() {
  local file=$work/$2_jaas.conf
  cat >"$file" <<END
$1 {
    $module required
    username="$2"
    password="$3";
};
END
  echo "-Djava.security.auth.login.config=$file"
}

echo "1. Start three brokers that are 'admin' to each other, whom nobody knows yet."
{
  echo 'listeners=PLAINTEXT://localhost:0,SASL_SSL://localhost:0'
  echo 'sasl.mechanism.inter.broker.protocol=SCRAM-SHA-256'
  echo 'sasl.enabled.mechanisms=SCRAM-SHA-256,SCRAM-SHA-512'
  echo 'security.inter.broker.protocol=SASL_SSL'
  key_settings
  echo 'ssl.client.auth=required'
} >"$work/server.properties"
KAFKA_OPTS=$(jaas KafkaServer admin kafka123) start_brokers "$work/server.properties"

echo "2. Create the users, at the first broker that serves."
first=$(servers PLAINTEXT 1)
users='SCRAM-SHA-256=[iterations=8192,password=kafka123],SCRAM-SHA-512=[password=kafka123]'
for user in admin stocks_consumer stocks_producer; do
  bin/kafka-configs.sh --bootstrap-server "$first" --alter --add-config "$users" \
    --entity-type users --entity-name "$user"
done
plain=$(servers PLAINTEXT 3)
secured=$(servers SASL_SSL 3)
bin/kafka-topics.sh --bootstrap-server "$plain" --create --topic stock-prices \
  --partitions 3 --replication-factor 3
until_ "all replicas" in_sync "$plain"

echo "3. Produce with one mechanism and consume with the other."
for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
  {
    echo 'security.protocol=SASL_SSL'
    echo "sasl.mechanism=$mechanism"
    key_settings
  } >"$work/$mechanism.properties"
done
PRODUCER_OPTS=$(jaas KafkaClient stocks_producer kafka123)
CONSUMER_OPTS=$(jaas KafkaClient stocks_consumer kafka123)
trade "$secured" "$work/SCRAM-SHA-256.properties" "$work/SCRAM-SHA-512.properties"

echo "4. A user who is deleted is not let in again."
bin/kafka-configs.sh --bootstrap-server "$plain" --alter \
  --delete-config SCRAM-SHA-256,SCRAM-SHA-512 --entity-type users --entity-name stocks_producer
list() {
  KAFKA_OPTS=$PRODUCER_OPTS bin/kafka-topics.sh --bootstrap-server "$secured" --list \
    --command-config "$work/SCRAM-SHA-256.properties"
}
refused 'a deleted user' 'authentication failed' list

echo "lab passed"
