package directory

import (
	"sync"
	"time"

	storagev1 "fashen/gen/fashen/storage/v1"
)

// maxStrangers bounds the sign-in names nobody has whose failures are counted.
const maxStrangers = 10_000

// strangers counts failures of sign-in names nobody has, so that they lock as
// existing ones do and a lock does not tell that a name exists. It lives in
// memory: anyone can invent names, and the store is no place for them.
type strangers struct {
	mu    sync.Mutex
	names map[string]*storagev1.Credential
}

func newStrangers() *strangers {
	return &strangers{names: map[string]*storagev1.Credential{}}
}

// locked tells whether the name is refused for now.
func (s *strangers) locked(login string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return locked(s.names[login], now)
}

// failed counts one failure. When there are too many names, all are forgotten:
// the cost is a lock that ends early for somebody who does not exist.
func (s *strangers) failed(login string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.names[login]
	if c == nil {
		if len(s.names) >= maxStrangers {
			clear(s.names)
		}
		c = &storagev1.Credential{}
		s.names[login] = c
	}
	countFailure(c, now)
}
