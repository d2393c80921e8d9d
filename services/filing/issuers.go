package filing

import (
	"sync"
	"time"
)

const (
	// issuerTTL is how long a bureau counts as an eligible issuer without being
	// asked about again. Bureaus change their kind once in years.
	issuerTTL = time.Minute
	// maxIssuers bounds what is remembered.
	maxIssuers = 1000
)

// issuers remembers for a minute which bureaus were found eligible to issue, so
// that a create is one write and no further call. What was refused is asked about
// again each time.
type issuers struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (i *issuers) known(name string, now time.Time) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return now.Before(i.until[name])
}

func (i *issuers) remember(name string, now time.Time) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.until) >= maxIssuers || i.until == nil {
		i.until = map[string]time.Time{}
	}
	i.until[name] = now.Add(issuerTTL)
}
