package telemetry

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestDeliveriesAreShown(t *testing.T) {
	tel := shown(t, Settings{MetricsAddr: "127.0.0.1:0"})
	now, broken := time.Unix(1000, 0), error(nil)
	err := tel.CountDeliveries(func() time.Time { return now }, func(context.Context) (map[string]int64, error) {
		return map[string]int64{"PENDING": 3, "DEAD": 0}, broken
	})
	if err != nil {
		t.Fatal(err)
	}
	tel.DeliveryObserver()("TIMED_OUT")
	page := scrape(t, tel)
	for _, want := range []string{
		`fashen_webhook_deliveries{state="PENDING"} 3`, `fashen_webhook_deliveries{state="DEAD"} 0`,
		`fashen_webhook_attempts_total{outcome="TIMED_OUT"} 1`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	now, broken = now.Add(backlogFresh), errors.New("the store is away")
	if page := scrape(t, tel); strings.Contains(page, "fashen_webhook_deliveries{") || !strings.Contains(page, "go_goroutines") {
		t.Error("a count that failed is shown, or hides the others")
	}
}

func TestDeliveriesAreOffWithMetrics(t *testing.T) {
	tel := shown(t, Settings{})
	if tel.DeliveryObserver() != nil {
		t.Error("something is on")
	}
	if err := tel.CountDeliveries(time.Now, nil); err != nil {
		t.Error(err)
	}
}
