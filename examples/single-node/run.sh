#!/usr/bin/env bash
# One broker, one topic with thirteen partitions, seven messages: the first lab of every Kafka
# course, with the commands it uses. It checks itself: the last line is "lab passed".
#
#   examples/single-node/run.sh            # on a port and a data folder of its own
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/lab.sh

echo "1. Start a server. No ZooKeeper: one process is all there is."
port=${LAB_PORT:-0}
cp config/server.properties "$work/server.properties"
bin/kafka-server-start.sh "$work/server.properties" \
  --override "listeners=PLAINTEXT://127.0.0.1:$port" \
  --override "log.dirs=$work/kafka-logs" >"$work/server.log" 2>&1 &
children=($!)
until_ "the server" grep -q '^partita ready' "$work/server.log"
ready=$(grep -m 1 '^partita ready' "$work/server.log")
echo "   $ready"
server=$(echo "$ready" | sed 's|.*PLAINTEXT://\([^ ]*\) .*|\1|')

echo "2. Create a topic with thirteen partitions."
bin/kafka-topics.sh --create --bootstrap-server "$server" \
  --replication-factor 1 --partitions 13 --topic my-topic | tee "$work/created"
grep -q 'Created topic my-topic.' "$work/created" || fail "the topic was not created"

echo "3. List the topics."
bin/kafka-topics.sh --list --bootstrap-server "$server" | tee "$work/topics"
grep -qx 'my-topic' "$work/topics" || fail "the topic is not listed"

echo "4. Describe it: thirteen partitions, all led by this server."
bin/kafka-topics.sh --describe --bootstrap-server "$server" --topic my-topic | tee "$work/described"
[ "$(grep -c 'Partition: ' "$work/described")" = 13 ] || fail "there are not thirteen partitions"

echo "5. Produce seven messages."
printf '%s\n' 'This is message 1' 'This is message 2' 'This is message 3' \
  'Message 4' 'Message 5' 'Message 6' 'Message 7' >"$work/messages"
bin/kafka-console-producer.sh --broker-list "$server" --topic my-topic <"$work/messages"

echo "6. Consume them from the beginning. Over thirteen partitions the order is not promised."
bin/kafka-console-consumer.sh --bootstrap-server "$server" --topic my-topic \
  --from-beginning --max-messages 7 | tee "$work/consumed"
diff <(sort "$work/messages") <(sort "$work/consumed") || fail "the messages differ"

echo "7. With one partition the order is the order of sending."
bin/kafka-topics.sh --create --bootstrap-server "$server" \
  --replication-factor 1 --partitions 1 --topic ordered
bin/kafka-console-producer.sh --bootstrap-server "$server" --topic ordered <"$work/messages"
bin/kafka-console-consumer.sh --bootstrap-server "$server" --topic ordered \
  --from-beginning --max-messages 7 | tee "$work/ordered"
diff "$work/messages" "$work/ordered" || fail "the order differs"

echo "8. What was sent survives a restart of the server."
kill "${children[0]}"
wait "${children[0]}" || true
bin/kafka-server-start.sh "$work/server.properties" \
  --override "listeners=PLAINTEXT://$server" \
  --override "log.dirs=$work/kafka-logs" >"$work/server2.log" 2>&1 &
children=($!)
until_ "the server" grep -q '^partita ready' "$work/server2.log"
bin/kafka-console-consumer.sh --bootstrap-server "$server" --topic ordered \
  --from-beginning --max-messages 7 >"$work/after"
diff "$work/messages" "$work/after" || fail "messages were lost in the restart"

echo "lab passed"
