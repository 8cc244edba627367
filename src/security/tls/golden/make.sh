#!/bin/sh
# Makes the key stores of this folder anew, by the keytool of a JDK 17 and openssl 3. Passwords are
# `changeit`, of keys `keysecret` where a store has both; everything is good for a hundred years.
# The files are checked in, so that the tests need neither.
set -eu
cd "$(dirname "$0")"
rm -f ./*.p12 ./*.jks ./*.pem
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
days='-validity 36500'
legacy=-J-Dkeystore.pkcs12.legacy
tool() { keytool "$@" 2>/dev/null; }

# An authority, one below it, and their certificates.
for name in root issuer; do
  tool -genkeypair -alias $name -keyalg EC -groupname secp256r1 $days -dname "CN=$name,O=Partita" \
    -ext bc:c -storetype PKCS12 -keystore "$work/ca.p12" -storepass changeit
done
sign() { # store alias issuer extension, further options of the store
  tool -certreq -alias "$2" -keystore "$1" -storepass changeit $5 |
    tool -gencert -alias "$3" -keystore "$work/ca.p12" -storepass changeit $days -rfc -ext "$4"
}
tool -exportcert -rfc -alias root -keystore "$work/ca.p12" -storepass changeit >root.pem
sign "$work/ca.p12" issuer root bc:c '' >"$work/issuer.pem"
tool -importcert -noprompt -alias issuer -file "$work/issuer.pem" -keystore "$work/ca.p12" \
  -storepass changeit
san=san=dns:localhost,ip:127.0.0.1

store() { # file type algorithm alias, further options
  file=$1 type=$2 algorithm=$3 alias=$4
  shift 4
  tool "$@" -genkeypair -alias "$alias" $algorithm $days -dname "CN=localhost,OU=$alias,O=Partita" \
    -storetype "$type" -keystore "$file" -storepass changeit
  sign "$file" "$alias" issuer $san '' >"$work/signed.pem"
  cat "$work/signed.pem" "$work/issuer.pem" root.pem >"$work/chain.pem"
  tool "$@" -importcert -noprompt -alias "$alias" -file "$work/chain.pem" -keystore "$file" \
    -storepass changeit
}
rsa='-keyalg RSA -keysize 2048' ec='-keyalg EC -groupname secp256r1'
store java8.p12 PKCS12 "$rsa" rsa $legacy
store java17.p12 PKCS12 "$rsa" rsa
store java17.p12 PKCS12 "$ec" ec
store store.jks JKS "$ec" ec
tool -keypasswd -alias ec -keystore store.jks -storepass changeit -keypass changeit -new keysecret
for name in root issuer; do
  file=root.pem
  [ $name = root ] || file="$work/issuer.pem"
  tool -importcert -noprompt -alias $name -file $file -storetype JKS -keystore trust.jks \
    -storepass changeit
  tool $legacy -importcert -noprompt -alias $name -file $file -storetype PKCS12 \
    -keystore java8-trust.p12 -storepass changeit
  tool -importcert -noprompt -alias $name -file $file -storetype PKCS12 \
    -keystore java17-trust.p12 -storepass changeit
done
tool -importkeystore -srckeystore java17.p12 -srcstorepass changeit -srcalias ec \
  -destkeystore "$work/ec.p12" -deststoretype PKCS12 -deststorepass changeit
openssl pkcs12 -in "$work/ec.p12" -passin pass:changeit -nodes -nocerts 2>/dev/null |
  openssl pkcs8 -topk8 -nocrypt -out key.pem
openssl pkcs12 -in "$work/ec.p12" -passin pass:changeit -nokeys 2>/dev/null |
  sed -n '/-BEGIN/,/-END/p' >chain.pem
openssl pkcs8 -topk8 -in key.pem -passout pass:keysecret -out encrypted-key.pem
openssl pkcs8 -topk8 -v1 PBE-SHA1-3DES -in key.pem -passout pass:keysecret -out old-encrypted-key.pem
openssl pkcs12 -export -inkey key.pem -in chain.pem -name ec -passout pass:changeit -out openssl.p12
openssl pkcs12 -export -legacy -inkey key.pem -in chain.pem -name ec -passout pass:changeit \
  -out openssl-legacy.p12
openssl pkcs12 -export -nokeys -in root.pem -passout pass:changeit -out untrusted.p12

# A certificate that has expired, and the authority that made it.
old=$work/old.p12
tool -genkeypair -alias old-root $ec $days -dname 'CN=old-root,O=Partita' -ext bc:c \
  -storetype PKCS12 -keystore "$old" -storepass changeit
tool -exportcert -rfc -alias old-root -keystore "$old" -storepass changeit >old-root.pem
tool -genkeypair -alias expired $ec $days -dname 'CN=localhost,OU=expired,O=Partita' \
  -storetype PKCS12 -keystore expired.p12 -storepass changeit
tool -certreq -alias expired -keystore expired.p12 -storepass changeit |
  tool -gencert -alias old-root -keystore "$old" -storepass changeit -rfc -ext $san \
    -startdate -20d -validity 10 >"$work/expired.pem"
cat "$work/expired.pem" old-root.pem >"$work/expired-chain.pem"
tool -importcert -noprompt -alias expired -file "$work/expired-chain.pem" -keystore expired.p12 \
  -storepass changeit
