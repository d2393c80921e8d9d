package worker

import (
	"fmt"
	"runtime/debug"
)

// Safely does something in the background, where no chain catches a panic: one is
// answered as an error, with the stack for the log, so that the process lives and
// the work is tried again like any that failed.
func Safely(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %.200s\n%s", fmt.Sprint(p), debug.Stack())
		}
	}()
	return do()
}
