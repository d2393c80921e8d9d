package mongo

import (
	"fmt"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"fashen/internal/docstore"

	storagev1 "fashen/gen/fashen/storage/v1"
)

// stored is a record as it comes back:
//
//	_id         name
//	version     compare-and-set counter
//	create_key  key of the request that made it, absent without one
//	pending     time of the oldest entry to drain, absent without one
//	ix          values of the indexed fields
//	uq          keys of the unique indexes
//	shape       fingerprint of the declaration ix and uq were made for
//	envelope    storagev1.Envelope
//	size        bytes of the body
//	body        the message
type stored struct {
	Name      string   `bson:"_id"`
	Version   int64    `bson:"version"`
	CreateKey string   `bson:"create_key"`
	Index     bson.Raw `bson:"ix"`
	Envelope  bson.Raw `bson:"envelope"`
	Size      int      `bson:"size"`
	Body      bson.Raw `bson:"body"`
}

// record decodes what is stored; without a body for one that was not asked for.
func (t *table) record(s stored) (*docstore.Record, error) {
	r := &docstore.Record{Name: s.Name, Version: s.Version, CreateKey: s.CreateKey, Envelope: &storagev1.Envelope{}}
	if r.CreateKey == "" {
		r.CreateKey = r.Name
	}
	if err := decode(s.Envelope, r.Envelope.ProtoReflect()); err != nil {
		return nil, fmt.Errorf("envelope of %s: %w", s.Name, err)
	}
	if len(s.Body) == 0 {
		return r, nil
	}
	r.Body = t.spec.New()
	if err := decode(s.Body, r.Body.ProtoReflect()); err != nil {
		return nil, fmt.Errorf("body of %s: %w", s.Name, err)
	}
	return r, nil
}

// content are the elements of a record that a write sets.
func (t *table) content(r *docstore.Record, withBody bool) (bson.D, error) {
	envelope, err := encode(r.Envelope.ProtoReflect())
	if err != nil {
		return nil, fmt.Errorf("envelope of %s: %w", r.Name, err)
	}
	d := bson.D{
		{Key: "ix", Value: t.indexElements(r)}, {Key: "uq", Value: t.uniqueElements(r)}, {Key: "shape", Value: t.shape},
		{Key: "envelope", Value: bson.Raw(envelope)},
	}
	if !withBody {
		return d, nil
	}
	body, err := encode(r.Body.ProtoReflect())
	if err != nil {
		return nil, fmt.Errorf("body of %s: %w", r.Name, err)
	}
	return append(d, bson.E{Key: "size", Value: int64(len(body))}, bson.E{Key: "body", Value: bson.Raw(body)}), nil
}

// pendingSince is the time of the oldest entry to drain; false without one.
func pendingSince(env *storagev1.Envelope) (time.Time, bool) {
	if len(env.GetTail()) == 0 {
		return time.Time{}, false
	}
	return env.GetTail()[0].GetTime().AsTime(), true
}

func elementName(field string) string { return strings.ReplaceAll(field, ".", "__") }

// path is where a field's index value is kept.
func path(field string) string {
	if field == docstore.FieldName {
		return "_id"
	}
	return "ix." + elementName(field)
}

func (t *table) indexElements(r *docstore.Record) bson.D {
	d := bson.D{}
	for i, c := range t.spec.Columns {
		var v any = bson.A(r.Index[i])
		if !c.Repeated {
			v = r.Index[i][0]
		}
		d = append(d, bson.E{Key: elementName(c.Field), Value: v})
	}
	return d
}

// uniqueName is where the key of a unique index is kept.
func uniqueName(ix docstore.Index) string {
	return elementName(strings.Join(ix.Fields, ","))
}

func (t *table) uniqueElements(r *docstore.Record) bson.D {
	d := bson.D{}
	n := 0
	for _, ix := range t.spec.Indexes {
		if !ix.Unique {
			continue
		}
		if key := r.Unique[n]; key != "" {
			d = append(d, bson.E{Key: uniqueName(ix), Value: key})
		}
		n++
	}
	return d
}
