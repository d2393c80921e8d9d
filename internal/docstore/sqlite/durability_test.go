package sqlite

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// TestDurabilityTrace looks at the system calls of a process that writes: what is
// acknowledged was written to the write-ahead log, and the log synced after that,
// also where writers share a sync. It needs strace, and runs when
// FASHEN_DURABILITY is 1.
func TestDurabilityTrace(t *testing.T) {
	if os.Getenv("FASHEN_DURABILITY") != "1" {
		t.Skip("FASHEN_DURABILITY is not 1")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal(err)
	}
	const writes = 25 // creates of each writer, and as many updates
	for _, writers := range []int{1, 16} {
		t.Run(fmt.Sprint(writers, " writers"), func(t *testing.T) {
			dir := t.TempDir()
			child := childProcess(filepath.Join(dir, "store.db"), strconv.Itoa(writers), strconv.Itoa(writes))
			traced := exec.Command(strace, append([]string{"-f", "-y", "-s", "4200", "-e", "trace=fsync,fdatasync,pwrite64,write",
				"-o", filepath.Join(dir, "trace")}, child.Args...)...)
			traced.Env = child.Env
			if out, err := traced.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			w := watched(t, filepath.Join(dir, "trace"))
			if w.acks != 2*writes*writers {
				t.Errorf("%d acknowledgements in the trace, want %d", w.acks, 2*writes*writers)
			}
			if writers > 1 && w.syncs >= w.acks {
				t.Errorf("%d syncs of the log for %d writes", w.syncs, w.acks)
			}
			t.Logf("%d acknowledgements, each after one of %d syncs of what it is for, %d writes to the log", w.acks, w.syncs, w.writes)
		})
	}
}

func watched(t *testing.T, trace string) *watch {
	t.Helper()
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	w := &watch{logged: map[string]int{}, syncing: map[string]int{}}
	lines := bufio.NewScanner(f)
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		if problem := w.line(lines.Text()); problem != "" {
			t.Fatalf("acknowledgement %d: %s: %.200s", w.acks+1, problem, lines.Text())
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return w
}

var (
	walWrite = regexp.MustCompile(`^\d+ +(pwrite64|write)\(\d+<[^>]*store\.db-wal>`)
	walSync  = regexp.MustCompile(`^(\d+) +f(data)?sync\(\d+<[^>]*store\.db-wal>(\) += 0| <unfinished)`)
	resumed  = regexp.MustCompile(`^(\d+) +<\.\.\. f(data)?sync resumed>\) += 0`)
	ackWrite = regexp.MustCompile(`^\d+ +write\(1<[^>]*>, "ACK (\S+) (\d)`)
	// paper is a document as it is in the log: by its name when it is made, by its
	// title when it is changed.
	paper = regexp.MustCompile(`(changed )?regions/120105/papers/\d+-\d{5}`)
)

// watch follows a trace: what was written to the log, and how far it is synced.
type watch struct {
	acks, writes, syncs int
	// logged tells which write to the log was the first to hold a document.
	logged map[string]int
	// synced is the last write before a sync of the log that is over.
	synced int
	// syncing holds the same for each thread whose sync is not over.
	syncing map[string]int
}

func (w *watch) line(s string) (problem string) {
	if walWrite.MatchString(s) {
		w.writes++
		for _, name := range paper.FindAllString(s, -1) {
			if _, ok := w.logged[name]; !ok {
				w.logged[name] = w.writes
			}
		}
		return ""
	}
	if m := ackWrite.FindStringSubmatch(s); m != nil {
		name := m[1]
		if m[2] != "1" {
			name = "changed " + name
		}
		at, ok := w.logged[name]
		switch {
		case !ok:
			return "it is not in the log"
		case at > w.synced:
			return "the log is not synced since"
		}
		w.acks++
		return ""
	}
	w.sync(s)
	return ""
}

func (w *watch) sync(s string) {
	if m := walSync.FindStringSubmatch(s); m != nil {
		w.syncs++
		if m[3] != " <unfinished" {
			w.synced = w.writes
			return
		}
		w.syncing[m[1]] = w.writes
		return
	}
	if m := resumed.FindStringSubmatch(s); m != nil {
		if at, ok := w.syncing[m[1]]; ok {
			delete(w.syncing, m[1])
			w.synced = max(w.synced, at)
		}
	}
}
