package auth_test

import (
	"sync"
	"testing"
	"time"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
)

// clock is a time that stands still until it is moved.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock {
	return &clock{at: time.Date(2026, 5, 12, 1, 2, 3, 456_000_000, time.UTC)}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// reviewer is a sample person (示例).
func reviewer() auth.Caller {
	return auth.Caller{
		Person:       "regions/120105/people/p1",
		Region:       "regions/120105",
		Bureau:       "regions/120105/bureaus/b2",
		Predecessors: []string{"regions/120105/bureaus/b1"},
		Session:      "s1",
		Roles:        []corev1.Role{corev1.Role_ROLE_REVIEWER, corev1.Role_ROLE_GENERAL_OFFICE},
	}
}

func newKey(t testing.TB) auth.Key {
	t.Helper()
	key, err := auth.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}
