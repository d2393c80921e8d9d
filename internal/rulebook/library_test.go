package rulebook

import "testing"

// TestBuiltin runs the examples of every rule and suppressor: loading does.
func TestBuiltin(t *testing.T) {
	if _, err := Builtin(); err != nil {
		t.Fatal(err)
	}
}
