package legacyword

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"fashen/internal/policytext"
)

// The test program is its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		// On a thread other than the first, as it may be in a longer program.
		runtime.LockOSThread()
		failed := make(chan error)
		go func() { failed <- Become(os.Args[2:]) }()
		panic(<-failed)
	}
	if len(os.Args) > 2 && os.Args[1] == "hold" { // see TestConverterDiesWithItsParent
		c, err := New(Settings{Program: os.Args[2], Children: 1, Time: time.Minute, Memory: 1 << 30})
		if err != nil {
			panic(err)
		}
		c.base = os.Args[3]
		c.bare.Store(os.Args[4] == "bare")
		_, err = c.Convert(context.Background(), nil)
		panic(err)
	}
	m.Run()
}

// converter runs a shell script in the place of an office suite. In it, $out is
// the file to write and $in the one to read.
func converter(t *testing.T, script string, change ...func(*Settings)) *Converter {
	t.Helper()
	program := filepath.Join(t.TempDir(), "office")
	head := "#!/bin/sh\nin=\"$PWD/" + input + "\"\nout=\"$PWD/" + output + "\"\n"
	if err := os.WriteFile(program, []byte(head+script), 0o700); err != nil {
		t.Fatal(err)
	}
	s := Settings{Program: program, Children: 2, Time: time.Minute, Memory: 1 << 30}
	for _, c := range change {
		c(&s)
	}
	c, err := New(s)
	if err != nil {
		t.Fatal(err)
	}
	c.base = t.TempDir()
	return c
}

func codeOf(err error) string {
	var refused *policytext.FormatError
	if errors.As(err, &refused) {
		return refused.Code
	}
	return ""
}

func TestConvert(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		script string
		change func(*Settings)
		want   string // what comes out
		code   string // or the refusal
	}{
		"whole":                    {`cat "$in" > "$out"; echo made >> "$out"`, nil, "a draft made\n", ""},
		"nothing comes out":        {`exit 0`, nil, "", policytext.CodeWordNotConverted},
		"it fails":                 {`echo no good >&2; exit 77`, nil, "", policytext.CodeWordNotConverted},
		"too slow":                 {`sleep 60; echo late > "$out"`, func(s *Settings) { s.Time = 300 * time.Millisecond }, "", policytext.CodeReadTimeout},
		"too much memory":          {`x=$(head -c 400000000 /dev/zero | tr '\0' x) && echo "$x" | head -c 3 > "$out"`, func(s *Settings) { s.Memory = 200 << 20 }, "", policytext.CodeWordNotConverted},
		"too long a file":          {`head -c 100000000 /dev/zero > "$out" && exit; rm -f "$out"`, nil, "", policytext.CodeWordNotConverted},
		"a link out of its folder": {`ln -s ` + secret + ` "$out"`, nil, "", policytext.CodeWordNotConverted},
		"a folder":                 {`mkdir "$out"`, nil, "", policytext.CodeWordNotConverted},
		"no environment of ours":   {`echo "$FASHEN_SECRET" > "$out"`, nil, "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FASHEN_SECRET", "hunter2")
			if tt.change == nil {
				tt.change = func(*Settings) {}
			}
			c := converter(t, tt.script, tt.change)
			got, err := c.Convert(t.Context(), []byte("a draft "))
			if string(got) != tt.want || codeOf(err) != tt.code || (err == nil) != (tt.code == "") {
				t.Errorf("%q, %v", got, err)
			}
			if left, _ := filepath.Glob(filepath.Join(c.base, "*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// A converter sees neither files of ours, nor the network, nor who else runs; what
// the kernel of this machine cannot do is skipped.
func TestConfined(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(script string) (string, *Converter) {
		c := converter(t, script)
		got, err := c.Convert(t.Context(), []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(got)), c
	}
	if got, _ := run(`( cat ` + secret + ` || echo kept; echo x > ` + secret + `.new || echo kept ) > "$out" 2>/dev/null`); got != "kept\nkept" {
		if got == "secret" {
			t.Skip("this kernel has no Landlock")
		}
		t.Errorf("files: %q", got)
	}
	got, c := run(`( echo $$; grep -c : /proc/net/dev ) > "$out"`)
	if !c.Isolated() {
		t.Skip("this kernel gives no namespaces")
	}
	if got != "1\n1" { // the first process of its own, with a loopback that is down
		t.Errorf("processes and network: %q", got)
	}
}

// Whom the converter leaves behind dies with it.
func TestNobodyIsLeft(t *testing.T) {
	for _, apart := range []bool{true, false} {
		c := converter(t, `sleep 1000 & echo $! > "$out"`)
		c.bare.Store(!apart)
		if _, err := c.Convert(t.Context(), nil); err != nil {
			t.Fatalf("apart %t: %v", apart, err) // waiting for it would take longer than a conversion may
		}
	}
}

// A converter does not outlive the process that wanted it, however that one ends. Its
// end is told by a pipe that it holds.
func TestConverterDiesWithItsParent(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a child is bound to its parent on Linux only")
	}
	for _, mode := range []string{"apart", "bare"} {
		c := converter(t, "echo up >&3\nexec sleep 100\n")
		held, hold, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		parent := exec.CommandContext(t.Context(), c.self, "hold", c.settings.Program, c.base, mode)
		parent.ExtraFiles = []*os.File{hold}
		if err := errors.Join(parent.Start(), hold.Close(), held.SetReadDeadline(time.Now().Add(30*time.Second))); err != nil {
			t.Fatal(err)
		}
		up := bufio.NewReader(held)
		if line, err := up.ReadString('\n'); err != nil || line != "up\n" {
			t.Fatalf("%s: the converter said %q, %v", mode, line, err)
		}
		if err := parent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = parent.Wait()
		if _, err := up.ReadByte(); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the converter lives on: %v", mode, err)
		}
		_ = held.Close()
	}
}

func TestConvertEndsWithTheCaller(t *testing.T) {
	c := converter(t, `sleep 100`, func(s *Settings) { s.Children = 1 })
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 2 { // one runs, one waits for its turn
		wait.Go(func() {
			if _, err := c.Convert(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
		})
	}
	cancel()
	wait.Wait()
}

func TestNewRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"/does/not/exist", file, t.TempDir(), "sh"} {
		if _, err := New(Settings{Program: program, Children: 1}); err == nil {
			t.Errorf("%s: taken", program)
		}
	}
}

// A folder that a killed process left is removed, one in use is not.
func TestSweep(t *testing.T) {
	c := &Converter{base: t.TempDir()}
	for _, name := range []string{folders + "1", folders + "2", "other"} {
		if err := os.Mkdir(filepath.Join(c.base, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	for _, name := range []string{folders + "1", "other"} {
		if err := os.Chtimes(filepath.Join(c.base, name), now, now.Add(-2*abandoned)); err != nil {
			t.Fatal(err)
		}
	}
	c.sweep(now.Add(-abandoned))
	left, _ := filepath.Glob(filepath.Join(c.base, "*"))
	if len(left) != 2 {
		t.Errorf("left %v", left)
	}
}

func TestBecomeRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"a", "b", "x", "1", ""}, {"a", "b", "1", "x", ""}} {
		if Become(args) == nil {
			t.Errorf("%q: taken", args)
		}
	}
}
