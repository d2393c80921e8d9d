package mongo_test

import (
	"crypto/rand"
	_ "embed"
	"os"
	"strings"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/mongo"
)

// server is the URI of the server that the tests run on. What the server is
// decides what they show; a stand-in shows nothing about MongoDB in its gaps.
func server(t testing.TB) string {
	t.Helper()
	uri := os.Getenv("FASHEN_TEST_MONGODB_URI")
	if uri == "" {
		t.Skip("FASHEN_TEST_MONGODB_URI is not set")
	}
	return uri
}

func freshDatabase() string { return "fashen_test_" + strings.ToLower(rand.Text()[:12]) }

//go:embed testdata/standin_gaps.txt
var gapList string

// gaps are the tests that the stand-in is known to fail, with the reasons.
func gaps(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for line := range strings.Lines(gapList) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Fatalf("gap without a reason: %q", line)
		}
		out[name] = reason
	}
	return out
}

func TestConformance(t *testing.T) {
	uri := server(t)
	standin := os.Getenv("FASHEN_TEST_MONGODB_STANDIN") == "1"
	known := gaps(t)
	docstoretest.Run(t, func(t *testing.T) (docstore.Engine, func() docstore.Engine) {
		if reason, ok := known[t.Name()]; ok && standin {
			t.Skipf("the stand-in cannot show this: %s", reason)
		}
		database := freshDatabase()
		open := func() docstore.Engine { return openAt(t, uri, database) }
		return open(), open
	})
}

func openAt(t testing.TB, uri, database string) *mongo.Engine {
	t.Helper()
	e, err := mongo.Open(t.Context(), uri, database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}
