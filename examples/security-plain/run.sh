#!/usr/bin/env bash
# Three brokers whose clients have names and passwords (SASL PLAIN over TLS), from JAAS files that
# KAFKA_OPTS names, and rights that kafka-acls.sh gives them. It checks itself: the last line is
# "lab passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/secured-brokers.sh
make_keys

echo "1. Write the JAAS files: users of the brokers, and who each client is."
module=org.apache.kafka.common.security.plain.PlainLoginModule
cat >"$work/kafka_broker_jaas.conf" <<END
KafkaServer {
    $module required
    username="admin"
    password="kafka-123"
    user_admin="kafka-123"
    user_stocks_consumer="consumer123"
    user_stocks_producer="producer123";
};
END
# jaas NAME PASSWORD: of a client.
jaas() {
  cat >"$work/kafka_$1_jaas.conf" <<END
KafkaClient {
    $module required
    username="stocks_$1"
    password="$2";
};
END
  echo "-Djava.security.auth.login.config=$work/kafka_$1_jaas.conf"
}

echo "2. Start three brokers: plaintext for tools, SASL_SSL for clients and between brokers."
{
  echo 'listeners=PLAINTEXT://127.0.0.1:0,SASL_SSL://127.0.0.1:0'
  echo 'sasl.mechanism.inter.broker.protocol=PLAIN'
  echo 'sasl.enabled.mechanisms=PLAIN'
  echo 'security.inter.broker.protocol=SASL_SSL'
  key_settings
  echo 'ssl.client.auth=required'
  echo 'authorizer.class.name=kafka.security.auth.SimpleAclAuthorizer'
  echo 'allow.everyone.if.no.acl.found=true'
} >"$work/server.properties"
KAFKA_OPTS="-Djava.security.auth.login.config=$work/kafka_broker_jaas.conf" \
  start_brokers "$work/server.properties"
plain=$(servers PLAINTEXT 3)
secured=$(servers SASL_SSL 3)
bin/kafka-topics.sh --bootstrap-server "$plain" --create --topic stock-prices \
  --partitions 3 --replication-factor 3
until_ "all replicas" in_sync "$plain"

echo "3. Produce and consume with names and passwords."
{
  echo 'security.protocol=SASL_SSL'
  echo 'sasl.mechanism=PLAIN'
  key_settings
} >"$work/client.properties"
PRODUCER_OPTS=$(jaas producer producer123)
CONSUMER_OPTS=$(jaas consumer consumer123)
trade "$secured" "$work/client.properties" "$work/client.properties"

echo "4. A wrong password is refused."
topics=(bin/kafka-topics.sh --bootstrap-server "$secured" --list)
topics+=(--command-config "$work/client.properties")
KAFKA_OPTS=$(jaas wrong whatever) refused 'a wrong password' 'authentication failed' "${topics[@]}"

echo "5. Give rights: from now on the topic is for the two alone, from these addresses."
acls=(bin/kafka-acls.sh --bootstrap-server "$plain" --add)
"${acls[@]}" --allow-principal User:stocks_consumer --allow-host 10.0.1.11 \
  --allow-host 127.0.0.1 --operation Read --topic stock-prices
"${acls[@]}" --allow-principal User:stocks_producer --allow-host 10.0.1.11 \
  --allow-host 127.0.0.1 --operation Write --topic stock-prices
reads() {
  bin/kafka-console-consumer.sh --bootstrap-server "$secured" --topic stock-prices \
    --from-beginning --timeout-ms 5000 --max-messages 1 --group "$1" \
    --consumer.config "$work/client.properties"
}
until_ "the rights of the consumer" env KAFKA_OPTS="$CONSUMER_OPTS" \
  bin/kafka-get-offsets.sh --bootstrap-server "$secured" --topic stock-prices \
  --command-config "$work/client.properties"
KAFKA_OPTS=$PRODUCER_OPTS refused 'the producer, who may not read' 'not authorized' reads other
refused 'nobody in particular' 'not authorized|TOPIC_AUTHORIZATION' \
  bin/kafka-console-consumer.sh --bootstrap-server "$plain" --topic stock-prices \
  --from-beginning --timeout-ms 5000 --max-messages 1
trade "$secured" "$work/client.properties" "$work/client.properties" after

echo "lab passed"
