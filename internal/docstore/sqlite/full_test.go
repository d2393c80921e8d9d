package sqlite

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"google.golang.org/protobuf/reflect/protoregistry"

	"fashen/internal/docstore"
	"fashen/internal/docstore/docstoretest"
	"fashen/internal/journal"

	filingv1 "fashen/gen/fashen/filing/v1"
)

// TestDiskFull: where the system writes no further, writes fail whole, reads go
// on, and once there is room the same writes pass, each once.
func TestDiskFull(t *testing.T) {
	e := openAt(t, filepath.Join(t.TempDir(), "store.db"))
	documents, err := docstore.NewCollection[*filingv1.Document](t.Context(), e, filingSpec, docstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	create := func(i int) error {
		ctx := docstoretest.As(t.Context(), "people/zhang", fmt.Sprint("request-", i))
		_, _, err := documents.Create(ctx, documentNo(i), docstore.Change{Grant: viewersOf(i)})
		return err
	}
	if err := create(0); err != nil {
		t.Fatal(err)
	}
	const writers, each = 8, 10
	outcomes := make([]error, 1+writers*each)
	roomy := limitFiles(t, e.path+"-wal", 60<<10) // a few writes more
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for n := range each {
				i := 1 + w*each + n
				outcomes[i] = create(i)
			}
		})
	}
	all.Wait()
	failed := 0
	for i, err := range outcomes {
		_, _, readErr := documents.Get(t.Context(), documentNo(i).GetName())
		switch {
		case err == nil && readErr != nil:
			t.Errorf("%d was acknowledged: %v", i, readErr)
		case err != nil && (!errors.Is(err, docstore.ErrUnavailable) || !errors.Is(readErr, docstore.ErrNotFound)):
			t.Errorf("%d failed with %v; read: %v", i, err, readErr)
		}
		if err != nil {
			failed++
		}
	}
	if failed == 0 || failed == len(outcomes)-1 {
		t.Fatalf("%d writes of %d failed", failed, len(outcomes)-1)
	}
	roomy()
	for i := range outcomes {
		if err := create(i); err != nil {
			t.Errorf("%d, with room: %v", i, err)
		}
	}
	report, err := journal.Verify(t.Context(), e, protoregistry.GlobalTypes)
	if err != nil || len(report.Problems) > 0 || report.Documents != int64(len(outcomes)) || report.Entries != report.Documents {
		t.Errorf("%+v, %v", report, err)
	}
}

// limitFiles lets no file of this process grow beyond what one has and some
// bytes, until the answered function is called.
func limitFiles(t *testing.T, path string, more uint64) (roomy func()) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // the write fails; nothing else is to happen
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		t.Fatal(err)
	}
	set := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Error(err)
		}
	}
	set(syscall.Rlimit{Cur: uint64(info.Size()) + more, Max: was.Max})
	roomy = sync.OnceFunc(func() { set(was); signal.Reset(syscall.SIGXFSZ) })
	t.Cleanup(roomy)
	return roomy
}
