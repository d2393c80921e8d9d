package mongo_test

import (
	_ "embed"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/docstore/mongo"
	"fashen/internal/docstore/mongo/mongotest"
)

// server is the URI of the server that the tests run on. What the server is
// decides what they show; a stand-in shows nothing about MongoDB in its gaps.
func server(t testing.TB) string {
	t.Helper()
	if mongotest.URI() == "" {
		t.Skip("FASHEN_TEST_MONGODB_URI is not set")
	}
	return mongotest.URI()
}

//go:embed testdata/standin_gaps.txt
var gapList string

// skipGap skips a test that the stand-in is known to fail, with the reason.
func skipGap(t *testing.T) {
	t.Helper()
	if os.Getenv("FASHEN_TEST_MONGODB_STANDIN") != "1" {
		return
	}
	for line := range strings.Lines(gapList) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok {
			t.Fatalf("gap without a reason: %q", line)
		}
		if name == t.Name() {
			t.Skipf("the stand-in cannot show this: %s", reason)
		}
	}
}

func TestConformance(t *testing.T) {
	uri := server(t)
	docstoretest.Run(t, func(t *testing.T) (docstore.Engine, func() docstore.Engine) {
		skipGap(t)
		database := mongotest.Database(t, uri)
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

// TestQueryPlans: every list is a scan of its index, in its order.
func TestQueryPlans(t *testing.T) {
	uri := server(t)
	skipGap(t)
	e := openAt(t, uri, mongotest.Database(t, uri))
	papers, err := docstore.NewCollection[docstoretest.Paper](t.Context(), e, docstoretest.PaperSpec, docstore.Options{New: docstoretest.V1.New})
	if err != nil {
		t.Fatal(err)
	}
	of := map[string]any{"unit": "u", "state": docstoretest.StateDraft}
	for what, q := range map[string]docstore.Query{
		"unit and state": {Equal: of, OrderBy: docstore.FieldCreateTime, Descending: true},
		"viewers": {Equal: of, OrderBy: docstore.FieldCreateTime, Descending: true,
			AnyOf: &docstore.AnyOf{Field: docstore.FieldViewers, Values: []string{"people/li"}}},
		"names":  {Prefix: &docstore.Prefix{Field: docstore.FieldName, Value: "regions/1/papers/"}},
		"titles": {OrderBy: "title"},
	} {
		plan, err := docstore.Explain(t.Context(), papers, q)
		if err != nil || !strings.Contains(plan, "IXSCAN") || strings.Contains(plan, "COLLSCAN") || strings.Contains(plan, `"SORT"`) {
			t.Errorf("%s: %v\n%s", what, err, plan)
		}
	}
}

// childDatabase names the database of a child process.
const childDatabase = "FASHEN_TEST_CHILD_DATABASE"

// TestCrash kills a client amid its writes.
func TestCrash(t *testing.T) {
	uri := server(t)
	skipGap(t)
	database := mongotest.Database(t, uri)
	docstoretest.Crash(t, childProcess(database), func() docstore.Engine { return openAt(t, uri, database) })
}

// TestCrashOfRelay kills a client as it relays.
func TestCrashOfRelay(t *testing.T) {
	uri := server(t)
	database := mongotest.Database(t, uri)
	docstoretest.CrashOfRelay(t, func(after int) *exec.Cmd {
		cmd := childProcess(database)
		cmd.Env = append(cmd.Env, childDatabase+"_RELAY="+strconv.Itoa(after))
		return cmd
	}, func() docstore.Engine { return openAt(t, uri, database) })
}

// childProcess is this test binary, writing to a database.
func childProcess(database string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.count=1")
	cmd.Env = append(os.Environ(), childDatabase+"="+database)
	return cmd
}

// TestChild is what childProcess runs; it is no test of its own.
func TestChild(t *testing.T) {
	database := os.Getenv(childDatabase)
	if database == "" {
		t.Skip("only as a child of another test")
	}
	e := openAt(t, server(t), database)
	if text := os.Getenv(childDatabase + "_RELAY"); text != "" {
		after, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		t.Fatal(docstoretest.RelayUntilKilled(t.Context(), e, after))
	}
	if err := docstoretest.WriteUntilKilled(t.Context(), e, os.Stdout, 4, 0); err != nil {
		t.Fatal(err)
	}
}
