package directory

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/docstore"
)

// store holds the collections of the directory and the indexes its lists need.
type store struct {
	regions     docstore.Collection[*directoryv1.Region]
	bureaus     docstore.Collection[*directoryv1.Bureau]
	people      docstore.Collection[*directoryv1.Person]
	credentials docstore.Collection[*storagev1.Credential]
	systems     docstore.Collection[*directoryv1.System]
	apiKeys     docstore.Collection[*storagev1.ApiKey]
	delegations docstore.Collection[*directoryv1.Delegation]
	calendars   docstore.Collection[*directoryv1.Calendar]
	profiles    docstore.Collection[*directoryv1.JurisdictionProfile]
	webhooks    docstore.Collection[*directoryv1.Webhook]
	deliveries  docstore.Derived[*storagev1.Delivery]
	places      docstore.Derived[*storagev1.WebhookPlace]
}

var regionsSpec = docstore.Spec{
	Name: "regions",
	Indexes: []docstore.Index{
		{Fields: []string{"parent_region"}}, // divisions below one, by code
	},
}

var bureausSpec = docstore.Spec{
	Name: "bureaus",
	Indexes: []docstore.Index{
		{Fields: []string{"uscc"}, Unique: true},
		{Fields: []string{"successor"}}, // bureaus that were merged into one
	},
}

var peopleSpec = docstore.Spec{
	Name: "people",
	Indexes: []docstore.Index{
		{Fields: []string{"login"}, Unique: true},
		{Fields: []string{docstore.FieldParent, "bureau"}},
		{Fields: []string{docstore.FieldUpdateTime}}, // changed lately: their tokens are stale
	},
}

var credentialsSpec = docstore.Spec{
	Name: "credentials",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldUpdateTime}}, // revocations of late
	},
}

var systemsSpec = docstore.Spec{
	Name: "systems",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldUpdateTime}}, // changed lately: what is remembered of their keys is stale
	},
}

var apiKeysSpec = docstore.Spec{
	Name: "api_keys",
	Indexes: []docstore.Index{
		{Fields: []string{"key_id"}, Unique: true}, // a key as it is presented
		{Fields: []string{docstore.FieldUpdateTime}},
	},
}

var delegationsSpec = docstore.Spec{
	Name: "delegations",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldViewers, docstore.FieldCreateTime}}, // those of a person
		{Fields: []string{docstore.FieldUpdateTime}},                        // revoked of late
	},
}

var profilesSpec = docstore.Spec{
	Name: "jurisdiction_profiles",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldParent, "effective_date"}}, // the version of a date
	},
}

var deliveriesSpec = docstore.Spec{
	Name: "deliveries",
	Indexes: []docstore.Index{
		{Fields: []string{docstore.FieldParent, docstore.FieldCreateTime}},                       // those of a webhook
		{Fields: []string{docstore.FieldParent, "delivery.state", docstore.FieldCreateTime}},     // of one state
		{Fields: []string{docstore.FieldParent, "delivery.state", "delivery.next_attempt_time"}}, // due
		{Fields: []string{"delivery.state"}},                                                     // how many wait, and were given up
		{Fields: []string{docstore.FieldCreateTime}},                                             // too old to keep
	},
}

func openStore(ctx context.Context, e docstore.Engine, o docstore.Options) (s store, err error) {
	if s.regions, err = docstore.NewCollection[*directoryv1.Region](ctx, e, regionsSpec, o); err != nil {
		return store{}, err
	}
	if s.bureaus, err = docstore.NewCollection[*directoryv1.Bureau](ctx, e, bureausSpec, o); err != nil {
		return store{}, err
	}
	if s.people, err = docstore.NewCollection[*directoryv1.Person](ctx, e, peopleSpec, o); err != nil {
		return store{}, err
	}
	if s.credentials, err = docstore.NewCollection[*storagev1.Credential](ctx, e, credentialsSpec, o); err != nil {
		return store{}, err
	}
	if s.systems, err = docstore.NewCollection[*directoryv1.System](ctx, e, systemsSpec, o); err != nil {
		return store{}, err
	}
	if s.apiKeys, err = docstore.NewCollection[*storagev1.ApiKey](ctx, e, apiKeysSpec, o); err != nil {
		return store{}, err
	}
	if s.delegations, err = docstore.NewCollection[*directoryv1.Delegation](ctx, e, delegationsSpec, o); err != nil {
		return store{}, err
	}
	if s.calendars, err = docstore.NewCollection[*directoryv1.Calendar](ctx, e, docstore.Spec{Name: "calendars"}, o); err != nil {
		return store{}, err
	}
	if s.profiles, err = docstore.NewCollection[*directoryv1.JurisdictionProfile](ctx, e, profilesSpec, o); err != nil {
		return store{}, err
	}
	if s.webhooks, err = docstore.NewCollection[*directoryv1.Webhook](ctx, e, docstore.Spec{Name: "webhooks"}, o); err != nil {
		return store{}, err
	}
	if s.deliveries, err = docstore.NewDerived[*storagev1.Delivery](ctx, e, deliveriesSpec, o); err != nil {
		return store{}, err
	}
	s.places, err = docstore.NewDerived[*storagev1.WebhookPlace](ctx, e, docstore.Spec{Name: "webhook_places"}, o)
	return s, err
}

// each calls do with every document of a query, page by page.
func each[M proto.Message](ctx context.Context, c docstore.Collection[M], q docstore.Query, do func(M)) error {
	q.PageSize = 1000
	for {
		page, err := c.List(ctx, q)
		if err != nil {
			return err
		}
		for _, m := range page.Items {
			do(m)
		}
		if page.NextPageToken == "" {
			return nil
		}
		q.PageToken = page.NextPageToken
	}
}

func isNotFound(err error) bool      { return errors.Is(err, docstore.ErrNotFound) }
func isAlreadyExists(err error) bool { return errors.Is(err, docstore.ErrAlreadyExists) }

// events is the detail that names what happened, where states do not.
func events(event string) []*corev1.Detail {
	return []*corev1.Detail{docstore.Detail("event", event)}
}
