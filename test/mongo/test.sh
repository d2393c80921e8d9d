#!/usr/bin/env bash
# Runs the storage suite and the end-to-end tests on the MongoDB engine: on the
# server of FASHEN_TEST_MONGODB_URI where that is set, otherwise on a stand-in
# that speaks MongoDB's wire protocol. Exits 3, saying why, where neither is to
# be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

gaps=internal/docstore/mongo/testdata/standin_gaps.txt

if [[ -z "${FASHEN_TEST_MONGODB_URI:-}" ]]; then
	FASHEN_STANDIN_STATE=$(mktemp -d)
	export FASHEN_STANDIN_STATE
	trap 'test/mongo/standin.sh stop; rm -f "$FASHEN_STANDIN_STATE.reason"' EXIT
	if ! FASHEN_TEST_MONGODB_URI=$(test/mongo/standin.sh start 2>"$FASHEN_STANDIN_STATE.reason"); then
		echo "MongoDB engine NOT tested: $(tail -n1 "$FASHEN_STANDIN_STATE.reason")"
		exit 3
	fi
	export FASHEN_TEST_MONGODB_URI FASHEN_TEST_MONGODB_STANDIN=1
	known=0
	[[ ! -e $gaps ]] || known=$(grep -cvE '^(#|$)' "$gaps" || true)
	echo "MongoDB engine on a third-party wire-protocol server, not MongoDB: $known tests cannot be shown there"
fi

# Whole processes take more than the ten minutes of go test.
go test -count=1 -timeout 40m ./internal/docstore/... ./internal/checkpoint/... ./internal/archive/... ./internal/projection/... ./test/e2e/...
# Then two processes of each service on one store, with certificates between them.
FASHEN_TEST_REPLICAS=2 go test -count=1 -timeout 40m ./test/e2e/...
