package filing

import (
	"fmt"
	"testing"
	"time"
)

func TestIssuersAreRememberedForAWhile(t *testing.T) {
	var i issuers
	now := time.Date(2026, 4, 8, 9, 0, 0, 0, time.UTC)
	if i.known("a", now) {
		t.Error("known before it was asked about")
	}
	i.remember("a", now)
	if !i.known("a", now.Add(issuerTTL-1)) || i.known("a", now.Add(issuerTTL)) {
		t.Error("remembered for another time than it says")
	}
	for n := range 3 * maxIssuers {
		i.remember(fmt.Sprint(n), now)
	}
	if len(i.until) > maxIssuers {
		t.Errorf("%d are remembered", len(i.until))
	}
}
