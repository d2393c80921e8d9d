package e2e

import (
	"net/http"
	"strings"
	"testing"

	directoryv1 "fashen/gen/fashen/directory/v1"
)

// Who calls too often is told to come again, over REST with 429 and Retry-After;
// others go on.
func TestRates(t *testing.T) {
	for engine, configure := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := alone(t, configure(t), "rest", "2026-04-08")
			w.stop(t)
			w.config.CallerRate, w.config.SignInRate, w.config.UnauthenticatedRate = 2, 3, 1
			w.start(t)
			w.reach(t, "rest")
			limited := func(token string, calls int) {
				t.Helper()
				for i := range calls {
					f := w.call(t.Context(), token, sessionService+"GetCaller", &directoryv1.GetCallerRequest{}, &directoryv1.Person{})
					if last := i == calls-1; (f != nil && f.reason == "RATE_LIMITED") != last {
						t.Errorf("call %d of %d: %v", i+1, calls, f)
					}
				}
			}
			limited(w.as(t, "drafter"), 5)
			limited(w.as(t, "reviewer"), 5)
			limited("fsk_not_a_key", 3)
			for i := range 8 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+w.app.HTTPAddr+"/v1/session:signIn",
					strings.NewReader(`{"login":"nobody","password":"nothing"}`))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("content-type", "application/json")
				answer, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				answer.Body.Close()
				if i == 7 && (answer.StatusCode != http.StatusTooManyRequests || answer.Header.Get("Retry-After") != "1") {
					t.Errorf("the last sign-in: %d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
				}
			}
		})
	}
}
