#!/bin/sh
# Makes, in a folder, an authority for the processes of one system, and for each
# named process a certificate that both sides of a connection take. What is there
# stays: to renew a certificate, take its files away first.
#
#   deploy/certificates.sh FOLDER directory counsel filing competition gateway
set -eu
cd "$1"
shift
umask 077
new="-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
[ -e ca.crt ] || openssl req $new -keyout ca.key -out ca.crt -days 3650 -subj /CN=fashen 2>/dev/null
for name; do
	[ -e "$name.crt" ] || openssl req $new -keyout "$name.key" -out "$name.crt" -days 365 -CA ca.crt -CAkey ca.key \
		-subj "/CN=$name" -addext "subjectAltName=DNS:$name,DNS:localhost" \
		-addext basicConstraints=critical,CA:FALSE -addext extendedKeyUsage=serverAuth,clientAuth 2>/dev/null
done
