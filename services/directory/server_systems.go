package directory

import (
	"context"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreateSystem adds a system without roles, for a bureau of the caller's region.
func (s *Server) CreateSystem(ctx context.Context, r *directoryv1.CreateSystemRequest) (*directoryv1.System, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	y := r.GetSystem()
	if err := s.checkBureauOf(ctx, r.GetParent(), "system.bureau", y.GetBureau()); err != nil {
		return nil, err
	}
	if err := s.checkOpenRegion(ctx, r.GetParent()); err != nil {
		return nil, err
	}
	y.Name = r.GetParent() + "/systems/" + resource.NewID(s.now())
	y.State = directoryv1.System_ACTIVE
	made, _, err := s.store.systems.Create(ctx, y, docstore.Change{To: y.State.String()})
	return made, rpc.FromStore(err, r.GetParent())
}

// GetSystem reads a system of the caller's region.
func (s *Server) GetSystem(ctx context.Context, r *directoryv1.GetSystemRequest) (*directoryv1.System, error) {
	return s.ownSystem(ctx, "name", r.GetName())
}

// ownSystem reads a system of the caller's region.
func (s *Server) ownSystem(ctx context.Context, field, name string) (*directoryv1.System, error) {
	if _, err := own(ctx, field, systemPattern, name); err != nil {
		return nil, err
	}
	y, _, err := s.store.systems.Get(ctx, name)
	return y, rpc.FromStore(err, name)
}

// ListSystems lists the systems of the caller's region.
func (s *Server) ListSystems(ctx context.Context, r *directoryv1.ListSystemsRequest) (*directoryv1.ListSystemsResponse, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	page, err := s.store.systems.List(ctx, docstore.Query{
		Prefix:   &docstore.Prefix{Field: docstore.FieldName, Value: r.GetParent() + "/systems/"},
		PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListSystemsResponse{Systems: page.Items, NextPageToken: page.NextPageToken}, nil
}

// SetSystemRoles replaces the roles a system may use, for its keys at once.
func (s *Server) SetSystemRoles(ctx context.Context, r *directoryv1.SetSystemRolesRequest) (*directoryv1.System, error) {
	return s.changeSystem(ctx, r.GetName(), r.GetEtag(), func(y *directoryv1.System, _ docstore.Meta) (docstore.Change, error) {
		before := roleNames(y.GetRoles())
		if err := setSystemRoles(y, r.GetRoles()); err != nil {
			return docstore.Change{}, err
		}
		return docstore.Change{
			From: y.GetState().String(), To: y.GetState().String(),
			Details: []*corev1.Detail{
				docstore.Detail("roles_before", before), docstore.Detail("roles", roleNames(y.GetRoles())),
			},
		}, nil
	})
}

// DisableSystem ends all keys of a system, for good.
func (s *Server) DisableSystem(ctx context.Context, r *directoryv1.DisableSystemRequest) (*directoryv1.System, error) {
	return s.changeSystem(ctx, r.GetName(), r.GetEtag(), func(y *directoryv1.System, _ docstore.Meta) (docstore.Change, error) {
		from := y.GetState()
		if from == directoryv1.System_DISABLED {
			return docstore.Change{}, docstore.ErrUnchanged
		}
		y.State = directoryv1.System_DISABLED
		return docstore.Change{From: from.String(), To: y.State.String()}, nil
	})
}

func (s *Server) changeSystem(ctx context.Context, name, etag string, rule func(*directoryv1.System, docstore.Meta) (docstore.Change, error)) (*directoryv1.System, error) {
	if _, err := own(ctx, "name", systemPattern, name); err != nil {
		return nil, err
	}
	defer s.forgetSystems() // also when it is unknown whether the write was made
	defer s.courier.changed()
	y, _, err := s.store.systems.Update(ctx, name, docstore.Precondition{Etag: etag}, rule)
	return y, rpc.FromStore(err, name)
}

// CreateApiKey makes a key; the answer is the only place where its token can be
// read.
func (s *Server) CreateApiKey(ctx context.Context, r *directoryv1.CreateApiKeyRequest) (*directoryv1.ApiKey, error) {
	y, err := s.ownSystem(ctx, "parent", r.GetParent())
	if err != nil {
		return nil, err
	}
	k := r.GetApiKey()
	if err := checkKey(y, k, s.now()); err != nil {
		return nil, err
	}
	id, secret := resource.NewID(s.now()), auth.NewSystemSecret()
	made, meta, err := s.store.apiKeys.Create(ctx, &storagev1.ApiKey{
		Name:  r.GetParent() + "/apiKeys/" + id,
		KeyId: id, SecretHash: auth.HashToken(secret),
		DisplayName: k.GetDisplayName(), Roles: k.GetRoles(), Services: k.GetServices(), ExpireTime: k.GetExpireTime(),
	}, docstore.Change{Details: []*corev1.Detail{
		docstore.Detail("roles", roleNames(k.GetRoles())),
		docstore.Detail("services", strings.Join(k.GetServices(), ",")),
		docstore.Detail("expire_time", k.GetExpireTime().AsTime().Format(time.RFC3339)),
	}})
	if err != nil {
		return nil, rpc.FromStore(err, r.GetParent())
	}
	answer := served(made)
	if !meta.Replayed {
		answer.Token = auth.SystemKey(id, secret)
	}
	return answer, nil
}

// GetApiKey reads a key of a system of the caller's region.
func (s *Server) GetApiKey(ctx context.Context, r *directoryv1.GetApiKeyRequest) (*directoryv1.ApiKey, error) {
	if _, err := own(ctx, "name", apiKeyPattern, r.GetName()); err != nil {
		return nil, err
	}
	k, _, err := s.store.apiKeys.Get(ctx, r.GetName())
	if err != nil {
		return nil, rpc.FromStore(err, r.GetName())
	}
	return served(k), nil
}

// ListApiKeys lists the keys of a system of the caller's region.
func (s *Server) ListApiKeys(ctx context.Context, r *directoryv1.ListApiKeysRequest) (*directoryv1.ListApiKeysResponse, error) {
	if _, err := s.ownSystem(ctx, "parent", r.GetParent()); err != nil {
		return nil, err
	}
	page, err := s.store.apiKeys.List(ctx, docstore.Query{
		Prefix:   &docstore.Prefix{Field: docstore.FieldName, Value: r.GetParent() + "/apiKeys/"},
		PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	answer := &directoryv1.ListApiKeysResponse{NextPageToken: page.NextPageToken}
	for _, k := range page.Items {
		answer.ApiKeys = append(answer.ApiKeys, served(k))
	}
	return answer, nil
}

// RevokeApiKey ends a key at once, for good.
func (s *Server) RevokeApiKey(ctx context.Context, r *directoryv1.RevokeApiKeyRequest) (*directoryv1.ApiKey, error) {
	if _, err := own(ctx, "name", apiKeyPattern, r.GetName()); err != nil {
		return nil, err
	}
	defer s.forgetSystems() // also when it is unknown whether the write was made
	k, _, err := s.store.apiKeys.Update(ctx, r.GetName(), docstore.Precondition{},
		func(k *storagev1.ApiKey, _ docstore.Meta) (docstore.Change, error) {
			if k.GetRevokeTime() != nil {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			k.RevokeTime = timestamppb.New(s.now())
			return docstore.Change{Details: events("revoked")}, nil
		})
	if err != nil {
		return nil, rpc.FromStore(err, r.GetName())
	}
	return served(k), nil
}

// CheckSystemKey is [auth.SystemKeySource]: it reads the key and its system anew,
// and notes the hour in which the key is used.
func (s *Server) CheckSystemKey(ctx context.Context, id string, secretHash []byte) (auth.Caller, time.Time, error) {
	if !resource.ValidID(id) {
		return auth.Caller{}, time.Time{}, auth.ErrInvalidToken
	}
	page, err := s.store.apiKeys.List(ctx, docstore.Query{Equal: map[string]any{"key_id": id}, PageSize: 1})
	if err != nil {
		return auth.Caller{}, time.Time{}, fmt.Errorf("find an API key: %w", err)
	}
	if len(page.Items) == 0 {
		return auth.Caller{}, time.Time{}, auth.ErrInvalidToken
	}
	k := page.Items[0]
	name, _, _ := strings.Cut(k.GetName(), "/apiKeys/")
	y, _, err := s.store.systems.Get(ctx, name)
	if err != nil {
		return auth.Caller{}, time.Time{}, fmt.Errorf("read the system of an API key: %w", err)
	}
	if err := goodFor(k, y, secretHash, s.now()); err != nil {
		return auth.Caller{}, time.Time{}, err
	}
	predecessors, err := s.predecessors(ctx, y.GetBureau())
	if err != nil {
		return auth.Caller{}, time.Time{}, err
	}
	s.noteUse(ctx, name, k)
	return auth.Caller{
		Person: name, Region: resource.Region(name), Bureau: y.GetBureau(), Predecessors: predecessors,
		Session: id, Roles: keyRoles(k, y), Services: k.GetServices(),
	}, k.GetExpireTime().AsTime(), nil
}

// noteUse writes down the hour in which a key is used. That it fails is no reason
// to refuse the call.
func (s *Server) noteUse(ctx context.Context, system string, k *storagev1.ApiKey) {
	hour := useHour(s.now())
	if sameInstant(k.GetLastUseTime(), hour) {
		return
	}
	ctx = docstore.WithOrigin(ctx, docstore.Origin{Actor: system, Method: "api_key", TraceID: rpc.TraceID(ctx)})
	_, _, err := s.store.apiKeys.Update(ctx, k.GetName(), docstore.Precondition{},
		func(k *storagev1.ApiKey, _ docstore.Meta) (docstore.Change, error) {
			if sameInstant(k.GetLastUseTime(), hour) {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			k.LastUseTime = hour
			return docstore.Change{Details: events("used")}, nil
		})
	if err != nil {
		s.logger.WarnContext(ctx, "the use of an API key was not noted", "key", k.GetName(), "error", err)
	}
}
