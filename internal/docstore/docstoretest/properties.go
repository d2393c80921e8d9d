package docstoretest

import "testing"

// testProperties: what a store says about itself outlives its process.
func testProperties(t *testing.T, open Opener) {
	e, reopen := open(t)
	for _, value := range []string{"", "1", "", "2", "第三"} {
		if err := e.SetProperty(t.Context(), "示例", value); err != nil {
			t.Fatal(err)
		}
		if got, err := e.Property(t.Context(), "示例"); err != nil || got != value {
			t.Errorf("got %q, %v; want %q", got, err, value)
		}
	}
	if got, err := e.Property(t.Context(), "another"); err != nil || got != "" {
		t.Errorf("a key that was not set: %q, %v", got, err)
	}
	if got, err := reopen().Property(t.Context(), "示例"); err != nil || got != "第三" {
		t.Errorf("after opening again: %q, %v", got, err)
	}
}
