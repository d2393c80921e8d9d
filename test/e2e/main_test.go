package e2e

import (
	"os"
	"testing"

	"fashen/internal/auth"
	"fashen/internal/legacyword"
	"fashen/internal/pdftext"
)

// TestMain lets the test program be the child processes of the program it tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == pdftext.Command {
		if err := pdftext.Serve(os.Stdin, os.Stdout, os.Args[2]); err != nil {
			panic(err)
		}
		return
	}
	if len(os.Args) > 1 && os.Args[1] == legacyword.Command {
		panic(legacyword.Become(os.Args[2:]))
	}
	auth.CheapPasswords()
	if text := os.Getenv(ordersVariable); text != "" {
		if err := obey(text); err != nil {
			panic(err)
		}
		return
	}
	if len(engines()) == 0 { // every scenario would pass without having run
		panic(replicasVariable + " of two or more needs a server: FASHEN_TEST_MONGODB_URI")
	}
	m.Run()
}
