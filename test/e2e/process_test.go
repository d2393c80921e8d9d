package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	corev1 "fashen/gen/fashen/core/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/config"
)

// serveEnv tells a child process what to serve.
const serveEnv = "FASHEN_TEST_SERVE"

// served is what a child is told.
type served struct {
	Config config.Config
	// Ahead is how far its clock is ahead of the real one.
	Ahead time.Duration
}

// serving is what a child tells once it serves.
type serving struct {
	GRPC, HTTP string
	Codes      []struct{ Login, Person, Code string }
}

// TestServe is what a child process runs; it is no test of its own. It serves
// until its input ends, or it is killed.
func TestServe(t *testing.T) {
	text := os.Getenv(serveEnv)
	if text == "" {
		t.Skip("only as a child of another test")
	}
	var s served
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	clock := func() time.Time { return time.Now().Add(s.Ahead) }
	a, err := app.Start(t.Context(), s.Config, app.Options{Clock: clock, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	tell := map[string]any{"GRPC": a.GRPCAddr, "HTTP": a.HTTPAddr, "Codes": a.Codes}
	if err := json.NewEncoder(os.Stdout).Encode(tell); err != nil {
		t.Error(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := a.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// process is a process that is killed and started again on the same store.
type process struct {
	t      *testing.T
	served served

	mu   sync.Mutex
	life *life
}

// life is one run of the process.
type life struct {
	cmd   *exec.Cmd
	input io.WriteCloser
	// up is closed when it serves, over when it is ended.
	up, over chan struct{}

	at   serving
	conn *grpc.ClientConn
}

func newLife() *life { return &life{up: make(chan struct{}), over: make(chan struct{})} }

func newProcess(t *testing.T, c config.Config, start string) *process {
	t.Helper()
	c.GRPCAddr, c.HTTPAddr, c.Sample = "127.0.0.1:0", "127.0.0.1:0", true
	var first clock
	first.day(t, start)
	p := &process{t: t, served: served{Config: c, Ahead: time.Until(first.now)}, life: newLife()}
	t.Cleanup(func() { p.end(true) })
	return p
}

// current is the life of now, which may not be up yet.
func (p *process) current() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}

// spawn starts the process and answers a reader of what it tells.
func (p *process) spawn() (*json.Decoder, error) {
	l := p.current()
	text, err := json.Marshal(p.served)
	if err != nil {
		return nil, err
	}
	l.cmd = exec.CommandContext(p.t.Context(), os.Args[0], "-test.run=^TestServe$", "-test.count=1", "-test.timeout=1h")
	l.cmd.Env = append(os.Environ(), serveEnv+"="+string(text))
	l.cmd.Stderr = os.Stderr
	if l.input, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return json.NewDecoder(out), l.cmd.Start()
}

// start starts the process and waits until it serves.
func (p *process) start() error {
	told, err := p.spawn()
	if err != nil {
		return err
	}
	l := p.current()
	if err := told.Decode(&l.at); err != nil {
		return fmt.Errorf("the process does not serve: %w", err)
	}
	if l.conn, err = grpc.NewClient(l.at.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		return err
	}
	close(l.up)
	return nil
}

// end ends the process, by force or in order; calls wait for the next life.
func (p *process) end(force bool) {
	p.mu.Lock()
	l := p.life
	p.life = newLife()
	p.mu.Unlock()
	close(l.over)
	if l.cmd == nil {
		return
	}
	if force {
		_ = l.cmd.Process.Kill()
	}
	_ = l.input.Close()
	if err := l.cmd.Wait(); err != nil && !force {
		p.t.Errorf("the process ended with %v", err)
	}
	if l.conn != nil {
		_ = l.conn.Close()
	}
}

// lasting is a client that makes each call until it is answered, through the
// ends of the process: each with its request id.
type lasting struct {
	process  *process
	protocol string
	// acknowledged is told of each command that succeeded.
	acknowledged func(method, requestID string)
}

// on calls do with a client of a living process until the process answers.
func (c lasting) on(ctx context.Context, do func(over client, l *life) *failure) *failure {
	for {
		l := c.process.current()
		select {
		case <-l.up:
		case <-l.over:
			continue
		case <-ctx.Done():
			return &failure{code: codes.DeadlineExceeded, message: "no process: " + ctx.Err().Error()}
		}
		var over client = overGRPC{conn: l.conn}
		if c.protocol == "rest" {
			over = overREST{base: "http://" + l.at.HTTP}
		}
		f := do(over, l)
		// What a call is told while its process ends says nothing.
		if f == nil || f.code != codes.Unavailable && c.process.current() == l {
			return f
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return f
		}
	}
}

// command gives a request its id, where it has room for one.
func command(in proto.Message) (requestID string) {
	m := in.ProtoReflect()
	field := m.Descriptor().Fields().ByName("request_id")
	if field == nil {
		return ""
	}
	if !m.Has(field) {
		m.Set(field, protoreflect.ValueOfString(rand.Text()))
	}
	return m.Get(field).String()
}

func (c lasting) call(ctx context.Context, token, method string, in, out proto.Message) *failure {
	id := command(in)
	f := c.on(ctx, func(over client, _ *life) *failure { return over.call(ctx, token, method, in, out) })
	c.done(f, method, id)
	return f
}

func (c lasting) done(f *failure, method, id string) {
	if f == nil && id != "" && c.acknowledged != nil {
		c.acknowledged(method, id)
	}
}

func (c lasting) uploadRevision(ctx context.Context, token string, up *filingv1.RevisionUpload, file io.Reader) (out *filingv1.Revision, f *failure) {
	id := command(up)
	all, _ := io.ReadAll(file)
	f = c.on(ctx, func(over client, _ *life) (f *failure) {
		out, f = over.uploadRevision(ctx, token, up, bytes.NewReader(all))
		return f
	})
	c.done(f, filingService+"UploadRevision", id)
	return out, f
}

func (c lasting) uploadMaterial(ctx context.Context, token string, up *filingv1.MaterialUpload, file io.Reader) (out *filingv1.Document, f *failure) {
	id := command(up)
	all, _ := io.ReadAll(file)
	f = c.on(ctx, func(over client, _ *life) (f *failure) {
		out, f = over.uploadMaterial(ctx, token, up, bytes.NewReader(all))
		return f
	})
	c.done(f, filingService+"UploadMaterial", id)
	return out, f
}

func (c lasting) downloadRevision(ctx context.Context, token, name string) (out []byte, f *failure) {
	f = c.on(ctx, func(over client, _ *life) (f *failure) { out, f = over.downloadRevision(ctx, token, name); return f })
	return out, f
}

// watch goes on where it was when the process ended.
func (c lasting) watch(ctx context.Context, token string, in *corev1.WatchRequest) func() (*corev1.WatchResponse, *failure) {
	in = proto.CloneOf(in)
	var from *life // whose stream is open
	var next func() (*corev1.WatchResponse, *failure)
	return func() (m *corev1.WatchResponse, f *failure) {
		f = c.on(ctx, func(over client, l *life) (f *failure) {
			if from != l {
				from, next = l, over.watch(ctx, token, in)
			}
			if m, f = next(); f != nil {
				from = nil
				return f
			}
			in.ResumeToken, in.FromStart = m.GetResumeToken(), false
			return nil
		})
		return m, f
	}
}
