#!/usr/bin/env bash
# A topic with eight partitions, a program that produces and consumes, and consumers that come and
# go in one group: one reads everything, two share it, eight have a partition each, a ninth is
# idle. It checks itself: the last line is "lab passed".
set -euo pipefail
cd "$(dirname "$0")/../.."
. examples/start-broker.sh
program=examples/producer-consumer/producer-consumer.mjs

echo "1. A topic with eight partitions."
bin/kafka-topics.sh --bootstrap-server "$server" --create --topic test \
  --partitions 8 --replication-factor 1

echo "2. Produce a thousand records."
node $program producer "$server"

consumer() { # consumer NUMBER GROUP: starts one; its output is in $work/GROUP-NUMBER
  node $program consumer "$server" "$2" >"$work/$2-$1" 2>&1 &
  children+=($!)
}
lines() { cat "$work/$1"-* | wc -l; }
has_lines() { [ "$(lines "$1")" -eq "$2" ]; }
# The number of partitions of each member of a group, sorted, in one line.
shares() {
  bin/kafka-consumer-groups.sh --bootstrap-server "$server" --describe --members --group "$1" |
    awk 'NF && $1 != "GROUP" { print $NF }' | sort -n | tr '\n' ' '
}
has_shares() { [ "$(shares "$1")" = "$2 " ]; }

echo "3. One consumer reads all of them."
consumer 1 alone
until_ "a thousand records" has_lines alone 1000
head -n 3 "$work/alone-1"

echo "4. Two consumers in one group share the partitions; together they read every record once."
consumer 1 mygroup
consumer 2 mygroup
until_ "an even share" has_shares mygroup "4 4"
node $program producer "$server"
until_ "two thousand records" has_lines mygroup 2000
sort -t' ' -k3,3 -k5,5 "$work"/mygroup-* | awk '{ print $3, $5 }' | uniq -d | grep -q . &&
  fail "a record was read twice"
wc -l "$work"/mygroup-*

echo "5. Eight consumers have a partition each."
for number in 3 4 5 6 7 8; do consumer $number mygroup; done
eighth=${children[-1]}
until_ "one partition each" has_shares mygroup "1 1 1 1 1 1 1 1"
bin/kafka-consumer-groups.sh --bootstrap-server "$server" --describe --members --group mygroup

echo "6. A ninth has nothing to do."
consumer 9 mygroup
until_ "an idle member" has_shares mygroup "0 1 1 1 1 1 1 1 1"

echo "7. One leaves, and the idle one takes its partition."
kill "$eighth"
until_ "the idle one at work" has_shares mygroup "1 1 1 1 1 1 1 1"

echo "lab passed"
