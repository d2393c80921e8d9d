package sqlite

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestDurabilityTrace looks at the system calls of a process that writes: each
// write to the write-ahead log is synced before the write is acknowledged. It
// needs strace, and runs when FASHEN_DURABILITY is 1.
func TestDurabilityTrace(t *testing.T) {
	if os.Getenv("FASHEN_DURABILITY") != "1" {
		t.Skip("FASHEN_DURABILITY is not 1")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal(err)
	}
	const writes = 25 // creates, and as many updates
	dir := t.TempDir()
	child := childProcess(filepath.Join(dir, "store.db"), "1", "25")
	traced := exec.Command(strace, append([]string{"-f", "-y", "-e", "trace=fsync,fdatasync,pwrite64,write",
		"-o", filepath.Join(dir, "trace")}, child.Args...)...)
	traced.Env = child.Env
	if out, err := traced.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(filepath.Join(dir, "trace"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var w watch
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if problem := w.line(lines.Text()); problem != "" {
			t.Fatalf("acknowledgement %d: %s: %s", w.acks+1, problem, lines.Text())
		}
	}
	if w.acks != 2*writes {
		t.Errorf("%d acknowledgements in the trace, want %d", w.acks, 2*writes)
	}
	t.Logf("%d acknowledgements, each after a sync of the last of %d writes to the log", w.acks, w.writes)
}

var (
	walWrite = regexp.MustCompile(`^\d+ +(pwrite64|write)\(\d+<[^>]*store\.db-wal>`)
	walSync  = regexp.MustCompile(`^(\d+) +f(data)?sync\(\d+<[^>]*store\.db-wal>(\) += 0| <unfinished)`)
	resumed  = regexp.MustCompile(`^(\d+) +<\.\.\. f(data)?sync resumed>\) += 0`)
	ackWrite = regexp.MustCompile(`^\d+ +write\(1<[^>]*>, "ACK `)
)

// watch follows a trace: what was written to the log, and whether it is synced.
type watch struct {
	acks, writes   int
	dirty, written bool
	// syncing holds the threads whose sync of the log is not over.
	syncing map[string]bool
}

func (w *watch) line(s string) (problem string) {
	switch {
	case walWrite.MatchString(s):
		w.dirty, w.written = true, true
		w.writes++
	case ackWrite.MatchString(s):
		if !w.written {
			return "nothing was written"
		}
		if w.dirty {
			return "the log is not synced"
		}
		w.written = false
		w.acks++
	default:
		w.sync(s)
	}
	return ""
}

func (w *watch) sync(s string) {
	if m := walSync.FindStringSubmatch(s); m != nil {
		if m[3] != " <unfinished" {
			w.dirty = false
			return
		}
		if w.syncing == nil {
			w.syncing = map[string]bool{}
		}
		w.syncing[m[1]] = true
		return
	}
	if m := resumed.FindStringSubmatch(s); m != nil && w.syncing[m[1]] {
		delete(w.syncing, m[1])
		w.dirty = false
	}
}
