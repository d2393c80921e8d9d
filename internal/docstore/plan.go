package docstore

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// plan turns a query into one scan of a declared index. ordered says that the
// order matters, as it does for a list and does not for an aggregate.
func (s *schema) plan(q Query, ordered bool) (*Plan, error) {
	p := &Plan{Descending: q.Descending}
	if err := s.bound(p, q); err != nil {
		return nil, err
	}
	leading, err := s.conditions(p, q)
	if err != nil {
		return nil, err
	}
	if len(leading) == 0 && (p.Order.Field == FieldName || !ordered && p.open()) {
		return p, nil
	}
	for i, ix := range s.spec.Indexes {
		if serves(ix.Fields, leading, p, ordered) {
			p.Index = &s.spec.Indexes[i]
			p.sortEqual()
			return p, nil
		}
	}
	return nil, fmt.Errorf("%w: collection %s, equal %v, then %s", ErrNoIndex, s.spec.Name, leading, p.Order.Field)
}

func (p *Plan) open() bool { return p.From == nil && p.To == nil }

// sortEqual puts the equal conditions in the order of the index.
func (p *Plan) sortEqual() {
	slices.SortFunc(p.Equal, func(a, b Condition) int {
		return slices.Index(p.Index.Fields, a.Column.Field) - slices.Index(p.Index.Fields, b.Column.Field)
	})
}

// serves tells whether the fields of an index begin with the leading ones, in
// any order, and go on with the field of the order and bounds.
func serves(fields, leading []string, p *Plan, ordered bool) bool {
	if len(fields) > 0 && fields[len(fields)-1] == FieldName {
		fields = fields[:len(fields)-1] // every index ends with the name anyway
	}
	if len(fields) < len(leading) {
		return false
	}
	for _, f := range leading {
		if !slices.Contains(fields[:len(leading)], f) {
			return false
		}
	}
	rest := fields[len(leading):]
	if !ordered {
		return p.open() || len(rest) > 0 && rest[0] == p.Order.Field || len(rest) == 0 && p.Order.Field == FieldName
	}
	if p.Order.Field == FieldName {
		return len(rest) == 0
	}
	return len(rest) == 1 && rest[0] == p.Order.Field
}

// bound works out the field of the order and its bounds.
func (s *schema) bound(p *Plan, q Query) error {
	field := q.OrderBy
	for _, f := range []string{prefixField(q.Prefix), rangeField(q.Range)} {
		if f == "" {
			continue
		}
		if field == "" {
			field = f
		}
		if field != f {
			return fmt.Errorf("%w: collection %s bounds %s and orders by %s", ErrNoIndex, s.spec.Name, f, field)
		}
	}
	if field == "" {
		field = FieldName
	}
	c, err := s.column(field)
	if err != nil {
		return err
	}
	if c.Repeated {
		return fmt.Errorf("%w: collection %s, repeated field %s has no order", ErrNoIndex, s.spec.Name, field)
	}
	p.Order = c.Column
	if q.Range != nil {
		if p.From, err = c.operand(q.Range.From); err != nil {
			return err
		}
		if p.To, err = c.operand(q.Range.To); err != nil {
			return err
		}
	}
	if q.Prefix != nil && q.Prefix.Value != "" {
		if c.Kind != KindString {
			return fmt.Errorf("%w: collection %s, field %s has no prefixes", ErrNoIndex, s.spec.Name, field)
		}
		p.narrow(q.Prefix.Value)
	}
	return nil
}

func prefixField(p *Prefix) string {
	if p == nil {
		return ""
	}
	return p.Field
}

func rangeField(r *Range) string {
	if r == nil {
		return ""
	}
	return r.Field
}

// narrow cuts the bounds down to the strings that start with prefix.
func (p *Plan) narrow(prefix string) {
	if from, ok := p.From.(string); !ok || from < prefix {
		p.From = prefix
	}
	end, ok := afterPrefix(prefix)
	if !ok {
		return
	}
	if to, ok := p.To.(string); !ok || end < to {
		p.To = end
	}
}

// afterPrefix is the least valid string greater than all that start with
// prefix: its last character that can grow, grown by one.
func afterPrefix(prefix string) (string, bool) {
	for prefix != "" {
		r, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		if r++; r == 0xD800 {
			r = 0xE000 // surrogates are no characters
		}
		if r <= utf8.MaxRune {
			return prefix + string(r), true
		}
	}
	return "", false
}

// conditions fills the equal and any-of parts and lists their fields.
func (s *schema) conditions(p *Plan, q Query) ([]string, error) {
	var leading []string
	for field, value := range q.Equal {
		c, err := s.column(field)
		if err != nil {
			return nil, err
		}
		v, err := c.operand(value)
		if err != nil {
			return nil, err
		}
		if v == nil {
			return nil, fmt.Errorf("docstore: field %s equals nil", field)
		}
		leading = append(leading, field)
		cond := Condition{Column: c.Column, Values: []any{v}}
		if !c.Repeated {
			p.Equal = append(p.Equal, cond)
			continue
		}
		if q.AnyOf != nil || p.AnyOf != nil {
			return nil, fmt.Errorf("%w: collection %s, two repeated fields", ErrNoIndex, s.spec.Name)
		}
		p.AnyOf = &cond
	}
	if q.AnyOf != nil {
		c, err := s.column(q.AnyOf.Field)
		if err != nil {
			return nil, err
		}
		cond := Condition{Column: c.Column}
		for _, text := range q.AnyOf.Values {
			v, err := c.operand(text)
			if err != nil {
				return nil, err
			}
			cond.Values = append(cond.Values, v)
		}
		cond.Values = distinct(cond.Values)
		p.AnyOf = &cond
		leading = append(leading, q.AnyOf.Field)
	}
	slices.Sort(leading)
	return leading, nil
}

func (s *schema) column(field string) (column, error) {
	if field == FieldName {
		return column{Column: Column{Field: FieldName, Kind: KindString}}, nil
	}
	at, ok := s.byField[field]
	if !ok {
		return column{}, fmt.Errorf("%w: collection %s, field %s is in none", ErrNoIndex, s.spec.Name, field)
	}
	return s.columns[at], nil
}

// operand turns a value of a query into one of the column's kind; nil stays.
func (c column) operand(value any) (any, error) {
	if value == nil {
		return nil, nil
	}
	v := reflect.ValueOf(value)
	if c.Kind == KindString {
		if v.Kind() == reflect.String {
			return v.String(), nil
		}
		return nil, fmt.Errorf("docstore: field %s compared with a %T", c.Field, value)
	}
	if t, ok := value.(time.Time); ok {
		return t.UnixMilli(), nil
	}
	switch {
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint():
		return int64(v.Uint()), nil
	case v.Kind() == reflect.Bool:
		if v.Bool() {
			return int64(1), nil
		}
		return int64(0), nil
	case v.Kind() == reflect.String && len(c.path) > 0:
		if enum := c.path[len(c.path)-1].Enum(); enum != nil {
			if ev := enum.Values().ByName(protoreflect.Name(v.String())); ev != nil {
				return int64(ev.Number()), nil
			}
		}
	}
	return nil, fmt.Errorf("docstore: field %s compared with %v (%T)", c.Field, value, value)
}

// binding names the list a page token belongs to: everything that decides
// which documents come in which order.
func (s *schema) binding(p *Plan) []byte {
	plain := struct {
		Collection, Order string
		Equal             []Condition
		AnyOf             *Condition
		From, To          any
		Descending        bool
	}{s.spec.Name, p.Order.Field, p.Equal, p.AnyOf, p.From, p.To, p.Descending}
	b, err := json.Marshal(plain)
	if err != nil { // strings, integers and booleans always encode
		panic(err)
	}
	return append([]byte("list\x00"), b...)
}

// columnsOf resolves the fields of an aggregate; kind 0 allows every kind.
func (s *schema) columnsOf(fields []string, kind Kind) ([]Column, error) {
	out := make([]Column, len(fields))
	for i, f := range fields {
		c, err := s.column(f)
		if err != nil {
			return nil, err
		}
		if c.Repeated || kind != 0 && c.Kind != kind {
			return nil, fmt.Errorf("%w: collection %s cannot aggregate %s", ErrNoIndex, s.spec.Name, f)
		}
		out[i] = c.Column
	}
	return out, nil
}
