#!/usr/bin/env bash
# What a Java program of the tests spends most of its processor time on is to load Kafka's classes.
# Java keeps what a process has loaded in an archive that later processes only map (class data
# sharing): a broker of Kafka is ready in less than half the time. This makes `classes.jsa` in each
# folder of jars. An archive is good for the class path that it was made with, and for what is added
# behind that; programs that fit none start as they did.
#
#   make.sh SERVER_JARS CLIENT_JARS...
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

# compile JARS CLASS...: puts the classes into a jar beside the others.
compile() {
  local classes
  classes=$(mktemp -d -p "$work")
  javac -nowarn -cp "$1/*" -d "$classes" "${@:2}"
  jar cf "$1/archived.jar" -C "$classes" .
}
# archiving JARS FILE CLASS ARGUMENT...: the command that runs the class and leaves an archive.
archiving() {
  exec timeout 300 java -XX:ArchiveClassesAtExit="$2" -Xlog:disable -XX:+UseSerialGC \
    -XX:TieredStopAtLevel=1 -cp "$1/*" "${@:3}" 2>"$2.log"
}

server=$1
compile "$server" ArchivedClients.java ArchivedBroker.java
coproc broker { archiving "$server" "$work/server.jsa" ArchivedBroker "$work"; }
pid=$broker_PID
servers=
while read -r word servers <&"${broker[0]}"; do
  [ "$word" = serving ] && break
done
[ "$word" = serving ] || { tail "$work/server.jsa.log"; exit 1; }
for jars in "${@:2}"; do
  name=$(basename "$jars")
  compile "$jars" ArchivedClients.java
  (archiving "$jars" "$work/$name.jsa" ArchivedClients "$servers" "$name") >/dev/null ||
    { tail "$work/$name.jsa.log"; exit 1; }
  mv -f "$work/$name.jsa" "$jars/classes.jsa"
done
eval "exec ${broker[1]}>&-"
wait "$pid"
pid=
mv -f "$work/server.jsa" "$server/classes.jsa"
