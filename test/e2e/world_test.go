// Package e2e tests fashen from outside: a whole process over real gRPC and
// real HTTP, on each engine, with the clock of the test.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	datepb "google.golang.org/genproto/googleapis/type/date"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/app"
	"fashen/internal/config"
	"fashen/internal/docstore/mongo/mongotest"
)

const (
	region   = "regions/120105"
	password = "Only-For-Tests-1"
)

// clock is the clock of a process under test.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A test's clock moves on its own a little, so that ids and times differ.
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

// shanghai is the zone of all dates.
var shanghai = time.FixedZone("CST", 8*3600)

// day moves the clock to 09:00 in Shanghai of an ISO date; never back.
func (c *clock) day(t *testing.T, iso string) {
	t.Helper()
	to, err := time.ParseInLocation("2006-01-02 15:04", iso+" 09:00", shanghai)
	if err != nil {
		t.Fatal(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if to.Before(c.now) {
		if to.Format(time.DateOnly) != c.now.In(to.Location()).Format(time.DateOnly) {
			t.Fatalf("the clock would go back to %s", iso)
		}
		return
	}
	c.now = to
}

// later moves the clock on.
func (c *clock) later(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// patience is how long a test waits for what has to come: what does not come fails
// the test instead of hanging it, and no outcome rests on how fast it comes.
const patience = 3 * time.Minute

// world is a running process and its people.
type world struct {
	client
	processes *processes
	// app is the process of the gateway.
	app    *app.App
	clock  *clock
	config config.Config
	// replicas is how many processes there are of each service; 0 where one runs all.
	replicas int
	// between sees the calls between services.
	between grpc.UnaryClientInterceptor

	mu     sync.Mutex
	tokens map[string]token
	codes  map[string]string
	people map[string]string
	bureau map[string]string
	// retained are the counsel on the register, by sign-in name.
	retained map[string]string
}

type token struct {
	value string
	until time.Time
}

// engines are what the suite runs on: MongoDB when a server is given, else SQLite,
// where one process of each service is enough.
func engines() map[string]func(t *testing.T) config.Config {
	if uri := mongotest.URI(); uri != "" {
		return map[string]func(t *testing.T) config.Config{"mongodb": func(t *testing.T) config.Config {
			return config.Config{
				Store: config.StoreMongoDB, MongoURI: uri, DataDir: t.TempDir(),
				MongoPrefix: mongotest.Database(t, uri),
			}
		}}
	}
	if n := os.Getenv(replicasVariable); n != "" && n != "0" && n != "1" {
		return nil
	}
	return map[string]func(t *testing.T) config.Config{"sqlite": onSQLite}
}

func onSQLite(t *testing.T) config.Config {
	return config.Config{Store: config.StoreSQLite, DataDir: t.TempDir()}
}

// oneEngine is the engine of the run, for what does not hang on it.
func oneEngine(t *testing.T) config.Config {
	t.Helper()
	for _, configure := range engines() {
		return configure(t)
	}
	panic("TestMain lets no run begin without an engine")
}

// everywhere runs a scenario on every engine and over both protocols, each in a
// process of its own that starts on the given day, with its configuration changed.
func everywhere(t *testing.T, start string, scenario func(t *testing.T, w *world), changes ...func(c *config.Config)) {
	t.Helper()
	t.Parallel()
	onAll(t, start, scenario, changes...)
}

// onAll is everywhere for a test that has several scenarios.
func onAll(t *testing.T, start string, scenario func(t *testing.T, w *world), changes ...func(c *config.Config)) {
	t.Helper()
	for engine, configure := range engines() {
		for _, protocol := range []string{"grpc", "rest"} {
			t.Run(engine+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				c := configure(t)
				for _, change := range changes {
					change(&c)
				}
				scenario(t, newWorld(t, c, protocol, start))
			})
		}
	}
}

// newWorld is a world in the form the suite runs in.
func newWorld(t *testing.T, c config.Config, protocol, start string) *world {
	t.Helper()
	return newWorldOf(t, replicas(t), c, protocol, start)
}

// alone is a world in one process, for what is to be seen of one process only.
func alone(t *testing.T, c config.Config, protocol, start string) *world {
	t.Helper()
	return newWorldOf(t, 0, c, protocol, start)
}

func newWorldOf(t *testing.T, replicas int, c config.Config, protocol, start string) *world {
	t.Helper()
	w := &world{replicas: replicas, clock: &clock{}, tokens: map[string]token{}, codes: map[string]string{}, people: map[string]string{}, bureau: map[string]string{}, retained: map[string]string{}}
	w.clock.day(t, start)
	c.GRPCAddr, c.HTTPAddr, c.Sample = "127.0.0.1:0", "127.0.0.1:0", true
	if cache, err := os.UserCacheDir(); err == nil { // compiled once for all worlds
		c.PDFCache = filepath.Join(cache, "fashen-pdf")
	}
	w.config = c
	w.start(t)
	w.reach(t, protocol)
	w.learn(t)
	return w
}

// reach makes the client of a protocol.
func (w *world) reach(t *testing.T, protocol string) {
	t.Helper()
	switch protocol {
	case "grpc":
		w.client = w.processes.grpc(t)
	case "rest":
		w.client = w.rest()
	}
}

// rest is a client of the REST API.
func (w *world) rest() overREST {
	return overREST{base: "http://" + w.app.HTTPAddr}
}

// start starts the processes; they are stopped with the test.
func (w *world) start(t *testing.T) {
	t.Helper()
	o := app.Options{Clock: w.clock.time, Logger: quiet(t), Between: w.intercept}
	if w.replicas == 0 {
		w.processes = startOne(t, w.config, o)
	} else {
		w.processes = startEach(t, w.config, o, w.replicas)
	}
	w.app = w.processes.of["gateway"][0]
	t.Cleanup(func() {
		w.stop(t)
		// The testing package remembers this function, and so the world, until all tests are over.
		w.processes, w.app, w.client = &processes{}, nil, nil
	})
	for _, i := range w.processes.of["directory"][0].Codes {
		w.people[i.Login] = i.Person
		if i.Code != "" {
			w.codes[i.Login] = i.Code
		}
	}
}

// intercept passes a call between services through what a test has put in its way.
func (w *world) intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	w.mu.Lock()
	between := w.between
	w.mu.Unlock()
	if between == nil {
		return invoke(ctx, method, request, reply, conn, options...)
	}
	return between(ctx, method, request, reply, conn, invoke, options...)
}

// cut makes every call to a service by another fail as if it were away; "" mends it.
func (w *world) cut(service string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.between = func(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
		if service != "" && strings.Contains(method, service) {
			return status.Error(codes.Unavailable, "cut off by the test")
		}
		return invoke(ctx, method, request, reply, conn, options...)
	}
}

// stop stops the processes; stopping twice is stopping once.
func (w *world) stop(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, a := range slices.Backward(w.processes.all) {
		if err := a.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

// testLog writes the process's log into the test's, until the test is over.
type testLog struct {
	t    *testing.T
	mu   sync.Mutex
	over bool
}

func (l *testLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.t.Cleanup(func() { l.mu.Lock(); defer l.mu.Unlock(); l.over = true })
		l.t.Log(string(bytes.TrimSpace(b)))
	}
	return len(b), nil
}

// learn lets everybody set a password while their one-time codes are good, and
// finds the sample bureaus by name.
func (w *world) learn(t *testing.T) {
	t.Helper()
	for login := range w.people {
		w.as(t, login)
	}
	res := &directoryv1.ListBureausResponse{}
	w.must(t, "drafter", "fashen.directory.v1.DirectoryService/ListBureaus", &directoryv1.ListBureausRequest{Parent: region}, res)
	for _, b := range res.GetBureaus() {
		w.bureau[b.GetDisplayName()] = b.GetName()
	}
}

const (
	government = "河北区人民政府（示例）"
	labour     = "河北区人力资源和社会保障局（示例）"
)

// as answers a token of a persona, signing in when there is none or it ends.
func (w *world) as(t *testing.T, login string) string {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if have := w.tokens[login]; have.value != "" && w.clock.time().Before(have.until.Add(-time.Minute)) {
		return have.value
	}
	s := &directoryv1.Session{}
	var f *failure
	if code := w.codes[login]; code != "" {
		f = w.call(t.Context(), "", "fashen.directory.v1.SessionService/ActivateSignIn",
			&directoryv1.ActivateSignInRequest{Login: login, OneTimeCode: code, Password: password}, s)
		delete(w.codes, login)
	} else {
		f = w.call(t.Context(), "", "fashen.directory.v1.SessionService/SignIn", &directoryv1.SignInRequest{Login: login, Password: password}, s)
	}
	if f != nil {
		t.Fatalf("sign in as %s: %v", login, f)
	}
	w.tokens[login] = token{s.GetAccessToken(), s.GetExpireTime().AsTime()}
	return s.GetAccessToken()
}

// try makes a call as a persona.
func (w *world) try(t *testing.T, login, method string, in, out proto.Message) *failure {
	t.Helper()
	f := w.call(t.Context(), w.as(t, login), method, in, out)
	w.heard(method, in)
	return f
}

// must makes a call that has to succeed.
func (w *world) must(t *testing.T, login, method string, in, out proto.Message) {
	t.Helper()
	if f := w.try(t, login, method, in, out); f != nil {
		t.Fatalf("%s as %s: %v", method, login, f)
	}
}

const (
	filingService  = "fashen.filing.v1.FilingService/"
	counselService = "fashen.counsel.v1.CounselService/"
)

// document calls a method that answers a document.
func (w *world) document(t *testing.T, login, method string, in proto.Message) *filingv1.Document {
	t.Helper()
	out := &filingv1.Document{}
	w.must(t, login, filingService+method, in, out)
	return out
}

// review calls a method that answers a case.
func (w *world) review(t *testing.T, login, method string, in proto.Message) *counselv1.Case {
	t.Helper()
	out := &counselv1.Case{}
	w.must(t, login, counselService+method, in, out)
	return out
}

// date reads an ISO date.
func date(t *testing.T, iso string) *datepb.Date {
	t.Helper()
	d, err := time.Parse(time.DateOnly, iso)
	if err != nil {
		t.Fatal(err)
	}
	return &datepb.Date{Year: int32(d.Year()), Month: int32(d.Month()), Day: int32(d.Day())}
}

func iso(d *datepb.Date) string {
	return fmt.Sprintf("%04d-%02d-%02d", d.GetYear(), d.GetMonth(), d.GetDay())
}
