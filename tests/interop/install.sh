#!/usr/bin/env bash
# Installs what the interop tests need on a Debian machine: kcat, etcd, ZooKeeper, MIT Kerberos, a JDK
# with Maven, Python and Go, and in a cache folder outside the tree, so that a fresh clone reuses
# them, Kafka's own tools, the Java client in several releases, the Python client and an OpenID
# provider. What is there already is left alone.
set -euo pipefail
cd "$(dirname "$0")"

cache="${XDG_CACHE_HOME:-$HOME/.cache}/partita"
property() { sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" "$2"; }

missing=()
command -v kcat >/dev/null || missing+=(kafkacat)
command -v javac >/dev/null || missing+=(default-jdk-headless)
command -v mvn >/dev/null || missing+=(maven)
command -v python3 >/dev/null || missing+=(python3)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
command -v go >/dev/null || missing+=(golang-go)
[ -e /usr/share/java/zookeeper.jar ] || missing+=(zookeeper)
command -v etcd >/dev/null || missing+=(etcd-server)
command -v etcdctl >/dev/null || missing+=(etcd-client)
[ -e /usr/sbin/krb5kdc ] || missing+=(krb5-kdc)
[ -e /usr/sbin/kadmin.local ] || missing+=(krb5-admin-server)
command -v kinit >/dev/null || missing+=(krb5-user)
[ -n "$(find /usr/lib -name 'libgssapi_krb5.so.2' -print -quit)" ] || missing+=(libgssapi-krb5-2)
# What kcat needs for GSSAPI.
[ -n "$(find /usr/lib -path '*/sasl2/libgssapiv2.so' -print -quit)" ] ||
  missing+=(libsasl2-modules-gssapi-mit)
if [ ${#missing[@]} -gt 0 ]; then
  echo "installing ${missing[*]}"
  sudo=()
  [ "$(id -u)" = 0 ] || sudo=(sudo)
  "${sudo[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq "${missing[@]}" >/dev/null
fi

# fetch NAME COMMAND...: fills the folder NAME of the cache, unless an earlier run finished it.
fetch() {
  local folder="$cache/$1"
  if [ ! -e "$folder/.complete" ]; then
    echo "fetching $1 into $folder"
    "${@:2}" "$folder"
    touch "$folder/.complete"
  fi
}
jars() { mvn -q -B -f "$1" dependency:copy-dependencies "$2" -DincludeScope=runtime -DoutputDirectory="$3"; }
wheels() {
  python3 -m venv "$2"
  "$2/bin/pip" install -q --disable-pip-version-check -r "$1"
}
packages() {
  mkdir -p "$2"
  cp "$1"/package*.json "$2"
  npm install --prefix "$2" --no-audit --no-fund --ignore-scripts --silent
}

fetch "kafka-$(property kafka.version kafka/pom.xml)" jars kafka/pom.xml -DskipTests
fetch "kafka-streams-$(property streams.version streams/pom.xml)" jars streams/pom.xml -DskipTests
for version in $(property clients.versions java/pom.xml); do
  fetch "kafka-clients-$version" jars java/pom.xml "-Dclients.version=$version"
done
fetch "confluent-kafka-$(sed -n 's/^confluent-kafka==//p' python/requirements.txt)" \
  wheels python/requirements.txt
fetch "oidc-provider-$(sed -n 's/.*"oidc-provider": "\(.*\)"/\1/p' oidc/provider/package.json)" \
  packages oidc/provider
fetch "npm-tools-$(sed -n 's/.*"version": "\(.*\)".*/\1/p' library/package.json)" \
  packages library
# Of those that speak to a Kafka of today.
kafka="$cache/kafka-$(property kafka.version kafka/pom.xml)"
archived=("$cache/kafka-streams-$(property streams.version streams/pom.xml)")
for version in $(property clients.versions java/pom.xml); do
  case $version in 0.* | 1.*) ;; *) archived+=("$cache/kafka-clients-$version") ;; esac
done
for jars in "$kafka" "${archived[@]}"; do
  if [ ! -e "$jars/classes.jsa" ]; then
    echo "archiving Kafka's classes"
    bash class-archive/make.sh "$kafka" "${archived[@]}" ||
      echo "there is no archive: Java loads the classes each time"
    break
  fi
done
# Fills Go's own cache, so that the tests do not wait for its standard library to be compiled.
(cd go && CGO_ENABLED=0 go build -trimpath -o /dev/null .)

echo "kcat $(kcat -V 2>&1 | sed -n 's/^Version \([^ ]*\).*/\1/p'), $(java -version 2>&1 | head -n 1)," \
  "$(python3 --version), $(go version)"
