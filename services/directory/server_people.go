package directory

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	storagev1 "fashen/gen/fashen/storage/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreatePerson adds a person without roles, who waits for a one-time code.
func (s *Server) CreatePerson(ctx context.Context, r *directoryv1.CreatePersonRequest) (*directoryv1.Person, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	p := r.GetPerson()
	if err := checkPerson(p); err != nil {
		return nil, err
	}
	if err := s.checkOpenRegion(ctx, r.GetParent()); err != nil {
		return nil, err
	}
	if p.GetBureau() != "" {
		if err := s.checkBureauOf(ctx, r.GetParent(), "person.bureau", p.GetBureau()); err != nil {
			return nil, err
		}
	}
	p.Name = r.GetParent() + "/people/" + resource.NewID(s.now())
	p.State = directoryv1.Person_INVITED
	made, _, err := s.store.people.Create(ctx, p, docstore.Change{To: p.State.String()})
	if isAlreadyExists(err) {
		return nil, rpc.New(codes.AlreadyExists, "LOGIN_TAKEN", "登录名已被使用", "login", p.GetLogin())
	}
	return made, rpc.FromStore(err, r.GetParent())
}

// checkBureauOf refuses a bureau that does not exist in the region.
func (s *Server) checkBureauOf(ctx context.Context, region, field, bureau string) error {
	if err := checkShape(field, bureauPattern, bureau); err != nil {
		return err
	}
	unknown := rpc.Field(field, "BUREAU_UNKNOWN", "所在单位不存在")
	if resource.Region(bureau) != region {
		return unknown
	}
	_, _, err := s.store.bureaus.Get(ctx, bureau)
	if isNotFound(err) {
		return unknown
	}
	return rpc.FromStore(err, bureau)
}

// GetPerson reads a person of the caller's region.
func (s *Server) GetPerson(ctx context.Context, r *directoryv1.GetPersonRequest) (*directoryv1.Person, error) {
	return s.ownPerson(ctx, r.GetName())
}

// ownPerson reads a person of the caller's region.
func (s *Server) ownPerson(ctx context.Context, name string) (*directoryv1.Person, error) {
	if _, err := own(ctx, "name", personPattern, name); err != nil {
		return nil, err
	}
	p, _, err := s.store.people.Get(ctx, name)
	return p, rpc.FromStore(err, name)
}

// ListPeople lists the people of the caller's region by name.
func (s *Server) ListPeople(ctx context.Context, r *directoryv1.ListPeopleRequest) (*directoryv1.ListPeopleResponse, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	equal, err := readFilter(r.GetFilter(), "bureau")
	if err != nil {
		return nil, err
	}
	q := docstore.Query{PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken()}
	if len(equal) == 0 {
		q.Prefix = &docstore.Prefix{Field: docstore.FieldName, Value: r.GetParent() + "/people/"}
	} else {
		equal[docstore.FieldParent] = r.GetParent()
		q.Equal = equal
	}
	page, err := s.store.people.List(ctx, q)
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListPeopleResponse{People: page.Items, NextPageToken: page.NextPageToken}, nil
}

// SetPersonRoles replaces a person's roles and ends their sessions.
func (s *Server) SetPersonRoles(ctx context.Context, r *directoryv1.SetPersonRolesRequest) (*directoryv1.Person, error) {
	if err := s.checkOther(ctx, r.GetName()); err != nil {
		return nil, err
	}
	p, _, err := s.store.people.Update(ctx, r.GetName(), docstore.Precondition{Etag: r.GetEtag()},
		func(p *directoryv1.Person, _ docstore.Meta) (docstore.Change, error) {
			before := roleNames(p.GetRoles())
			if err := setRoles(p, r.GetRoles()); err != nil {
				return docstore.Change{}, err
			}
			return docstore.Change{
				From: p.GetState().String(), To: p.GetState().String(),
				Details: []*corev1.Detail{
					docstore.Detail("roles_before", before), docstore.Detail("roles", roleNames(p.GetRoles())),
				},
			}, nil
		})
	if err != nil {
		return nil, rpc.FromStore(err, r.GetName())
	}
	return p, s.changeCredential(ctx, p, "sessions_ended", endSessions)
}

// DisablePerson ends a person's right to sign in, and their sessions.
func (s *Server) DisablePerson(ctx context.Context, r *directoryv1.DisablePersonRequest) (*directoryv1.Person, error) {
	if err := s.checkOther(ctx, r.GetName()); err != nil {
		return nil, err
	}
	p, _, err := s.store.people.Update(ctx, r.GetName(), docstore.Precondition{Etag: r.GetEtag()},
		func(p *directoryv1.Person, _ docstore.Meta) (docstore.Change, error) {
			from := p.GetState()
			if from == directoryv1.Person_DISABLED {
				return docstore.Change{}, docstore.ErrUnchanged
			}
			p.State = directoryv1.Person_DISABLED
			return docstore.Change{From: from.String(), To: p.State.String()}, nil
		})
	if err != nil {
		return nil, rpc.FromStore(err, r.GetName())
	}
	return p, s.changeCredential(ctx, p, "disabled", wipe)
}

// checkOther checks that a name is of a person of the caller's region, and not
// the caller.
func (s *Server) checkOther(ctx context.Context, name string) error {
	caller, err := own(ctx, "name", personPattern, name)
	if err != nil {
		return err
	}
	return checkNotSelf(caller.Person, name)
}

// IssueOneTimeCode makes a one-time code; the answer is the only place where it
// can be read.
func (s *Server) IssueOneTimeCode(ctx context.Context, r *directoryv1.IssueOneTimeCodeRequest) (*directoryv1.IssueOneTimeCodeResponse, error) {
	p, err := s.ownPerson(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if p.GetState() == directoryv1.Person_DISABLED {
		return nil, errDisabled(p)
	}
	code, err := s.newCode(ctx, p)
	if err != nil {
		return nil, err
	}
	return &directoryv1.IssueOneTimeCodeResponse{OneTimeCode: code}, nil
}

// newCode gives a person a one-time code and ends their sessions.
func (s *Server) newCode(ctx context.Context, p *directoryv1.Person) (string, error) {
	code := auth.NewOneTimeCode()
	return code, s.changeCredential(ctx, p, "one_time_code_issued", func(c *storagev1.Credential, now time.Time) []string {
		return issueCode(c, hashCode(code), now)
	})
}

// RevokeSessions ends all sessions of a person at once.
func (s *Server) RevokeSessions(ctx context.Context, r *directoryv1.RevokeSessionsRequest) (*directoryv1.RevokeSessionsResponse, error) {
	p, err := s.ownPerson(ctx, r.GetName())
	if err != nil {
		return nil, err
	}
	if err := s.changeCredential(ctx, p, "sessions_ended", endSessions); err != nil {
		return nil, err
	}
	return &directoryv1.RevokeSessionsResponse{}, nil
}

// ListDirectoryHistory reads the journal of a resource: of the caller's region,
// or of a calendar, which belongs to all.
func (s *Server) ListDirectoryHistory(ctx context.Context, r *directoryv1.ListDirectoryHistoryRequest) (*directoryv1.ListDirectoryHistoryResponse, error) {
	read, err := s.historyOf(ctx, r.GetParent())
	if err != nil {
		return nil, err
	}
	entries, next, err := read(ctx, r.GetParent(), int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, rpc.FromStore(err, r.GetParent())
	}
	return &directoryv1.ListDirectoryHistoryResponse{History: entries, NextPageToken: next}, nil
}

type historyReader func(ctx context.Context, name string, pageSize int, pageToken string) ([]*corev1.JournalEntry, string, error)

func (s *Server) historyOf(ctx context.Context, name string) (historyReader, error) {
	if _, ok := resource.Match(calendarPattern, name); ok {
		return s.store.calendars.History, nil
	}
	for pattern, read := range map[string]historyReader{
		personPattern:     s.store.people.History,
		bureauPattern:     s.store.bureaus.History,
		profilePattern:    s.store.profiles.History,
		systemPattern:     s.store.systems.History,
		apiKeyPattern:     s.store.apiKeys.History,
		delegationPattern: s.store.delegations.History,
		webhookPattern:    s.store.webhooks.History,
	} {
		if _, ok := resource.Match(pattern, name); ok {
			_, err := own(ctx, "parent", pattern, name)
			return read, err
		}
	}
	return nil, rpc.Field("parent", "RESOURCE_NAME_INVALID", "应为人员、单位、系统、接口密钥、代理、网络回调、本地配置或者年度日历的资源名称")
}

// roleNames shows roles in a journal entry.
func roleNames(roles []corev1.Role) string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.String())
	}
	return strings.Join(names, ",")
}
