#!/usr/bin/env bash
# Starts and stops a third-party server that speaks MongoDB's wire protocol, for
# machines without a mongod. It is not MongoDB: see gaps.md.
#
#   standin.sh start    prints the connection string, and nothing else, on stdout
#   standin.sh stop     stops the one that start started
#
# Needs a JDK of 17 or later and Maven, which fetches the jars once into the
# cache. start exits 3, with one line of reason on stderr, where those or the
# jars are not to be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
home="${XDG_CACHE_HOME:-$HOME/.cache}/fashen/standin-$(git hash-object "$here/pom.xml" | cut -c1-12)"
state="${FASHEN_STANDIN_STATE:-$home/run}"

unavailable() {
	echo "$*" >&2
	exit 3
}

fetch() {
	[[ -e "$home/.done" ]] && return
	command -v mvn >/dev/null || unavailable "Maven is not installed"
	mkdir -p "$home"
	mvn -B -q -f "$here/pom.xml" dependency:copy-dependencies \
		-DincludeScope=runtime -DoutputDirectory="$home/lib" </dev/null >"$home/fetch.log" 2>&1 ||
		unavailable "the jars of the stand-in could not be fetched: $(grep -m1 ERROR "$home/fetch.log")"
	touch "$home/.done"
}

start() {
	command -v javac >/dev/null || unavailable "no JDK is installed"
	fetch
	stop
	mkdir -p "$state"
	java -Xmx1g -XX:+ExitOnOutOfMemoryError -cp "$home/lib/*" "$here/Standin.java" >"$state/uri" 2>"$state/log" </dev/null &
	echo $! >"$state/pid"
	for _ in $(seq 300); do
		if [[ -s "$state/uri" ]]; then
			cat "$state/uri"
			return
		fi
		kill -0 "$(cat "$state/pid")" 2>/dev/null || break
		sleep 0.1
	done
	unavailable "the stand-in did not start: $(tail -n1 "$state/log")"
}

stop() {
	if [[ -e "$state/pid" ]]; then
		kill "$(cat "$state/pid")" 2>/dev/null || true
	fi
	rm -rf "$state"
}

case "${1:-}" in
start) start ;;
stop) stop ;;
*)
	echo "usage: standin.sh start|stop" >&2
	exit 2
	;;
esac
