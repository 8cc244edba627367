# Sourced by the labs on security, which need keytool (of any JDK) and openssl: keys as Kafka's
# courses make them, three brokers, and a producer and a consumer of stock prices. Sets $certs (a
# temporary folder), the functions below, and what lab.sh sets; all of it ends with the script.

. examples/lab.sh
certs=$work/certs
for tool in keytool openssl; do
  command -v "$tool" >/dev/null || fail "this lab needs $tool"
done

# One key for all brokers and clients, a certificate authority, and the stores that both need. The
# certificate names no host, as it was usual before Kafka 2.0: who checks names says so below.
make_keys() {
  local password=kafka123 name=kafka
  local dn="CN=CloudDurable Image $name cluster, OU=Cloudurable, O=Cloudurable, L=San Francisco"
  mkdir -p "$certs"
  (
    cd "$certs"
    keytool -genkey -keyalg RSA -alias "${name}_cluster" -keystore kafka.keystore \
      -storepass "$password" -keypass "$password" -dname "$dn, ST=CA, C=USA" -validity 365
    openssl req -new -x509 -keyout ca-key -out ca-cert -days 365 \
      -passin "pass:$password" -passout "pass:$password" \
      -subj "/C=US/ST=CA/L=San Francisco/O=Engineering/CN=cloudurable.com"
    keytool -keystore kafka.truststore -alias CARoot -import -file ca-cert \
      -storepass "$password" -keypass "$password" -noprompt
    keytool -keystore kafka.keystore -alias "${name}_cluster" -certreq -file kafka-cert \
      -storepass "$password" -keypass "$password" -noprompt
    openssl x509 -req -CA ca-cert -CAkey ca-key -in kafka-cert -out kafka-cert-signed \
      -days 365 -CAcreateserial -passin "pass:$password"
    keytool -keystore kafka.keystore -alias CARoot -import -file ca-cert \
      -storepass "$password" -keypass "$password" -noprompt
    keytool -keystore kafka.keystore -alias "${name}_cluster" -import -file kafka-cert-signed \
      -storepass "$password" -keypass "$password" -noprompt
  ) >"$work/keys.log" 2>&1 || fail "no keys: $(cat "$work/keys.log")"
}

# Settings that brokers and clients share.
key_settings() {
  cat <<END
ssl.keystore.location=$certs/kafka.keystore
ssl.keystore.password=kafka123
ssl.key.password=kafka123
ssl.truststore.location=$certs/kafka.truststore
ssl.truststore.password=kafka123
ssl.endpoint.identification.algorithm=
END
}

# start_brokers FILE: three of them under that server.properties, each with ports of its own.
start_brokers() {
  bin/partita.js start --brokers 3 "$1" --override "log.dirs=$work/kafka-logs" \
    --override group.initial.rebalance.delay.ms=0 >"$work/brokers.log" 2>&1 &
  children+=($!)
}

# servers LISTENER COUNT: waits for so many, and prints their addresses between commas.
servers() {
  local ready="^partita ready $1://"
  until_ "$2 brokers at $1" sh -c "[ \$(grep -c '$ready' '$work/brokers.log') -ge $2 ]"
  sed -n "s|$ready\([^ ]*\) .*|\1|p" "$work/brokers.log" | paste -sd,
}

in_sync() {
  bin/kafka-topics.sh --bootstrap-server "$1" --describe --topic stock-prices >"$work/described" 2>&1
  [ "$(grep -cE 'Isr: [0-9]+,[0-9]+,[0-9]+' "$work/described")" = 3 ]
}

prices=$(printf 'IBM:%s\n' 140 141 142 143 144 145)

# trade SERVERS PRODUCER CONSUMER [GROUP]: prices go in with the one file of properties, and come
# out with the other. KAFKA_OPTS of each: PRODUCER_OPTS and CONSUMER_OPTS.
trade() {
  local reader=(--bootstrap-server "$1" --topic stock-prices --from-beginning --max-messages 6)
  echo "$prices" | KAFKA_OPTS=${PRODUCER_OPTS:-} bin/kafka-console-producer.sh \
    --bootstrap-server "$1" --topic stock-prices --producer.config "$2"
  KAFKA_OPTS=${CONSUMER_OPTS:-} bin/kafka-console-consumer.sh "${reader[@]}" \
    --consumer.config "$3" --group "${4:-stocks}" >"$work/read"
  diff <(sort <<<"$prices") <(sort "$work/read") || fail "the prices differ"
}

# refused WHAT WORDS COMMAND...: the command fails, and says so.
refused() {
  local what=$1 words=$2
  shift 2
  if "$@" >"$work/refused" 2>&1; then fail "$what is not refused"; fi
  grep -qiE "$words" "$work/refused" || fail "$what: $(tail -n 3 "$work/refused")"
  echo "   refused: $what"
}
