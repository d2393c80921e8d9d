package telemetry

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/docstore"
)

// storeMetrics measure the engines of a process.
type storeMetrics struct {
	seconds *prometheus.HistogramVec
	errors  *prometheus.CounterVec
}

func newStoreMetrics() *storeMetrics {
	labels := []string{"store", "operation"}
	return &storeMetrics{
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "fashen_store_seconds", Help: "How long operations of the store took.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, 1, 10},
		}, labels),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "fashen_store_unavailable_total", Help: "Operations that failed because the store could not be reached or read.",
		}, labels),
	}
}

// Engine measures an engine; it answers the engine itself when metrics are off.
func (t *Telemetry) Engine(store string, e docstore.Engine) docstore.Engine {
	if t.store == nil {
		return e
	}
	return &engine{Engine: e, timer: timer{t.store, store}}
}

// timer measures the operations of one store.
type timer struct {
	metrics *storeMetrics
	store   string
}

// done notes an operation that began at start.
func (t timer) done(operation string, start time.Time, err *error) {
	t.metrics.seconds.WithLabelValues(t.store, operation).Observe(time.Since(start).Seconds())
	if errors.Is(*err, docstore.ErrUnavailable) {
		t.metrics.errors.WithLabelValues(t.store, operation).Inc()
	}
}

// engine is an engine whose operations are measured.
type engine struct {
	docstore.Engine
	timer

	mu     sync.Mutex
	tables []docstore.Table
}

func (e *engine) Table(ctx context.Context, spec docstore.TableSpec) (docstore.Table, error) {
	inner, err := e.Engine.Table(ctx, spec)
	if err != nil {
		return nil, err
	}
	t := &table{Table: inner, timer: e.timer}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tables = append(e.tables, t)
	return t, nil
}

func (e *engine) Tables() []docstore.Table {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]docstore.Table(nil), e.tables...)
}

func (e *engine) Log() docstore.Log         { return log{e.Engine.Log(), e.timer} }
func (e *engine) Blobs() docstore.BlobStore { return blobs{e.Engine.Blobs(), e.timer} }

type table struct {
	docstore.Table
	timer
}

func (t *table) Insert(ctx context.Context, r *docstore.Record) (err error) {
	defer t.done("insert", time.Now(), &err)
	return t.Table.Insert(ctx, r)
}

func (t *table) Get(ctx context.Context, name string) (_ *docstore.Record, err error) {
	defer t.done("get", time.Now(), &err)
	return t.Table.Get(ctx, name)
}

func (t *table) Replace(ctx context.Context, r *docstore.Record, bodyChanged bool) (err error) {
	defer t.done("replace", time.Now(), &err)
	return t.Table.Replace(ctx, r, bodyChanged)
}

func (t *table) Delete(ctx context.Context, r *docstore.Record) (err error) {
	defer t.done("delete", time.Now(), &err)
	return t.Table.Delete(ctx, r)
}

func (t *table) Find(ctx context.Context, p *docstore.Plan) (_ docstore.Found, err error) {
	defer t.done("find", time.Now(), &err)
	return t.Table.Find(ctx, p)
}

func (t *table) Aggregate(ctx context.Context, p *docstore.Plan, by, sum []docstore.Column) (_ []docstore.Group, err error) {
	defer t.done("aggregate", time.Now(), &err)
	return t.Table.Aggregate(ctx, p, by, sum)
}

func (t *table) Drained(ctx context.Context, rs []*docstore.Record) (_ int, err error) {
	defer t.done("drain", time.Now(), &err)
	return t.Table.Drained(ctx, rs)
}

type log struct {
	docstore.Log
	timer
}

func (l log) Append(ctx context.Context, entries []*corev1.JournalEntry) (err error) {
	defer l.done("journal_append", time.Now(), &err)
	return l.Log.Append(ctx, entries)
}

type blobs struct {
	docstore.BlobStore
	timer
}

func (b blobs) Put(ctx context.Context, sum string, size int64, r io.Reader) (err error) {
	defer b.done("blob_put", time.Now(), &err)
	return b.BlobStore.Put(ctx, sum, size, r)
}

func (b blobs) Open(ctx context.Context, sum string) (_ io.ReadCloser, _ int64, err error) {
	defer b.done("blob_open", time.Now(), &err)
	return b.BlobStore.Open(ctx, sum)
}
