#!/usr/bin/env bash
# Three brokers and a client that prove to each other who they are by Kerberos, with a KDC of their
# own and the JAAS files of a Kafka course. It checks itself: the last line is "lab passed".
#
#   examples/kerberos/run.sh
#
# It needs MIT Kerberos (Debian: krb5-kdc krb5-admin-server krb5-user) and koffi (npm install koffi).
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/bin:$PATH:/usr/sbin"
for program in krb5kdc kadmin.local kdb5_util kinit; do
  command -v "$program" >/dev/null || { echo "$program is missing: install krb5-kdc" >&2; exit 1; }
done

. examples/lab.sh

echo "1. A realm with a KDC, a principal and a keytab for the brokers and for a consumer of stocks."
port=${LAB_PORT:-$((20000 + RANDOM % 10000))}
kdc=$((port + 10))
export KRB5_CONFIG=$work/krb5.conf KRB5_KDC_PROFILE=$work/kdc.conf
cat >"$KRB5_CONFIG" <<END
[libdefaults]
  default_realm = LAB.EXAMPLE
  dns_canonicalize_hostname = false
  rdns = false
[realms]
  LAB.EXAMPLE = {
    kdc = 127.0.0.1:$kdc
  }
END
cat >"$KRB5_KDC_PROFILE" <<END
[kdcdefaults]
  kdc_listen = 127.0.0.1:$kdc
  kdc_tcp_listen = 127.0.0.1:$kdc
[realms]
  LAB.EXAMPLE = {
    database_name = $work/principal
    key_stash_file = $work/stash
  }
END
kdb5_util create -s -r LAB.EXAMPLE -P lab >/dev/null
for principal in kafka/localhost kafka-consumer-stocks; do
  kadmin.local -q "addprinc -randkey $principal" >/dev/null 2>&1
  kadmin.local -q "ktadd -k $work/${principal%/*}.keytab $principal" >/dev/null
done
krb5kdc -n -P "$work/kdc.pid" >"$work/kdc.log" 2>&1 &
children+=($!)
until_ "the KDC" kinit -c "$work/cache" -k -t "$work/kafka.keytab" kafka/localhost

echo "2. The course's file for the brokers has a semicolon too many, and says so."
cat >"$work/broker_jaas.conf" <<END
KafkaServer {
  com.sun.security.auth.module.Krb5LoginModule required;
    useKeyTab=true
    storeKey=true
    keyTab="$work/kafka.keytab"
    principal="kafka/localhost@LAB.EXAMPLE";
};
END
cat >"$work/server.properties" <<END
listeners=SASL_PLAINTEXT://127.0.0.1:$port
advertised.listeners=SASL_PLAINTEXT://localhost:$port
sasl.mechanism.inter.broker.protocol=GSSAPI
sasl.enabled.mechanisms=GSSAPI
sasl.kerberos.service.name=kafka
security.inter.broker.protocol=SASL_PLAINTEXT
log.dirs=$work/kafka-logs
END
krb5="-Djava.security.krb5.conf=$KRB5_CONFIG"
opts="$krb5 -Djava.security.auth.login.config=$work/broker_jaas.conf"
if KAFKA_OPTS=$opts kafka-server-start.sh "$work/server.properties" \
  --override "log.dirs=$work/refused-logs" >"$work/refused" 2>&1; then
  fail "it started"
fi
grep 'take out the semicolon' "$work/refused" || fail "$(cat "$work/refused")"
sed -i 's/required;/required/' "$work/broker_jaas.conf"

echo "3. Three brokers, each of which shows the others a ticket."
KAFKA_OPTS=$opts kafka-server-start.sh "$work/server.properties" --brokers 3 >"$work/brokers.log" 2>&1 &
children+=($!)
until_ "three brokers" grep -q 'stops all of them' "$work/brokers.log"

echo "4. A consumer of stocks with a keytab of its own."
cat >"$work/client_jaas.conf" <<END
KafkaClient {
  com.sun.security.auth.module.Krb5LoginModule required
    useKeyTab=true
    storeKey=true
    keyTab="$work/kafka-consumer-stocks.keytab"
    principal="kafka-consumer-stocks@LAB.EXAMPLE";
};
END
cat >"$work/client.properties" <<END
security.protocol=SASL_PLAINTEXT
sasl.mechanism=GSSAPI
sasl.kerberos.service.name=kafka
END
export KAFKA_OPTS="$krb5 -Djava.security.auth.login.config=$work/client_jaas.conf"
at=(--bootstrap-server "localhost:$port" --command-config "$work/client.properties")
kafka-topics.sh "${at[@]}" --create --topic stock-prices --partitions 3 --replication-factor 3 \
  --config min.insync.replicas=3
seq 5 | kafka-console-producer.sh "${at[@]}" --topic stock-prices
read=$(kafka-console-consumer.sh "${at[@]}" --topic stock-prices --from-beginning --max-messages 5 |
  sort | tr '\n' ' ')
[ "$read" = "1 2 3 4 5 " ] || fail "read $read"

echo "5. Who has no ticket is refused."
sed -i 's/kafka-consumer-stocks@/mallory@/' "$work/client_jaas.conf"
if kafka-topics.sh "${at[@]}" --list >"$work/refused" 2>&1; then fail "mallory was let in"; fi
grep 'mallory@LAB.EXAMPLE' "$work/refused" || fail "$(cat "$work/refused")"
echo "lab passed"
