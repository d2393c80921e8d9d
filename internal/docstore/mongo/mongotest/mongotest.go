// Package mongotest gives tests databases on a server of MongoDB's protocol and
// takes them away afterwards: a server that keeps everything in memory would
// otherwise fill up over a long run.
package mongotest

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// URI is the connection string of the server that tests run on, empty where none
// is given.
func URI() string { return os.Getenv("FASHEN_TEST_MONGODB_URI") }

// Database names a database that no other test has. Once the test and what it
// registered to clean up after this call are over, the database is dropped, and so
// are those whose names continue this one with an underscore.
func Database(t testing.TB, uri string) string {
	t.Helper()
	name := "fashen_test_" + strings.ToLower(rand.Text()[:12])
	t.Cleanup(func() {
		if err := drop(uri, name); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	return name
}

func drop(uri, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return err
	}
	defer func() { _ = client.Disconnect(ctx) }()
	names, err := client.ListDatabaseNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, n := range names {
		if n == name || strings.HasPrefix(n, name+"_") {
			if err := client.Database(n).Drop(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
