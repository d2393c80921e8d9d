package app

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/config"
	"fashen/internal/webhook"
	"fashen/services/directory"
)

// webhooks is what the directory posts events with: the feeds of the services it
// can ask, over its own connections.
func (a *App) webhooks(r *running) (directory.Webhooks, error) {
	key, err := a.keys.first.Derive("webhook secrets")
	if err != nil {
		return directory.Webhooks{}, err
	}
	networks, _ := webhook.ParseNetworks(a.config.WebhookNetworks) // checked with the configuration
	roots, err := webhookRoots(a.config.WebhookCA)
	if err != nil {
		return directory.Webhooks{}, err
	}
	w := directory.Webhooks{
		Key: key, Feeds: map[string]corev1.FeedServiceClient{}, Networks: networks,
		Sender:  webhook.NewSender(webhook.Options{Networks: networks, Roots: roots, Timeout: a.config.WebhookTimeout}),
		Observe: a.shown.DeliveryObserver(),
	}
	if a.config.Store == config.StoreSQLite {
		w.Holder = ownerOfFile
	}
	for service, conn := range r.conns {
		w.Feeds[service] = corev1.NewFeedServiceClient(conn)
	}
	return w, nil
}

// webhookRoots are the authorities of the system and of a file; nil without one.
func webhookRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("--webhook-ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--webhook-ca: %s holds no certificate", file)
	}
	return roots, nil
}

// showDeliveries shows how many deliveries wait and were given up.
func (a *App) showDeliveries(dir *directory.Server) error {
	return a.shown.CountDeliveries(a.clock, func(ctx context.Context) (map[string]int64, error) {
		counts, err := dir.DeliveryCounts(ctx)
		out := make(map[string]int64, len(counts))
		for state, n := range counts {
			out[state.String()] = n
		}
		return out, err
	})
}
