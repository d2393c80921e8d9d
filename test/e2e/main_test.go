package e2e

import (
	"fmt"
	"os"
	"testing"

	"fashen/internal/pdftext"
)

// TestMain lets the test program be the child processes of the program it tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == pdftext.Command {
		if err := pdftext.Serve(os.Stdin, os.Stdout, os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}
