package directory

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	directoryv1 "fashen/gen/fashen/directory/v1"
	"fashen/internal/calendar"
	"fashen/internal/docstore"
	"fashen/internal/resource"
	"fashen/internal/rpc"
)

// CreateRegion adds a division. Divisions are the country's, not a region's:
// any system administrator may add a missing code.
func (s *Server) CreateRegion(ctx context.Context, r *directoryv1.CreateRegionRequest) (*directoryv1.Region, error) {
	region := r.GetRegion()
	region.Name = "regions/" + r.GetRegionId()
	if err := checkRegion(region); err != nil {
		return nil, err
	}
	if err := s.checkParentRegion(ctx, region); err != nil {
		return nil, err
	}
	made, _, err := s.store.regions.Create(ctx, region, docstore.Change{})
	return made, rpc.FromStore(err, region.Name)
}

func (s *Server) checkParentRegion(ctx context.Context, region *directoryv1.Region) error {
	parent := region.GetParentRegion()
	if parent == "" {
		return nil
	}
	if err := checkShape("region.parent_region", regionPattern, parent); err != nil {
		return err
	}
	_, _, err := s.store.regions.Get(ctx, parent)
	if isNotFound(err) || parent == region.GetName() {
		return rpc.Field("region.parent_region", "PARENT_UNKNOWN", "上级行政区划不存在")
	}
	return rpc.FromStore(err, parent)
}

// GetRegion reads a division, of whatever region.
func (s *Server) GetRegion(ctx context.Context, r *directoryv1.GetRegionRequest) (*directoryv1.Region, error) {
	if err := checkShape("name", regionPattern, r.GetName()); err != nil {
		return nil, err
	}
	region, _, err := s.store.regions.Get(ctx, r.GetName())
	return region, rpc.FromStore(err, r.GetName())
}

// ListRegions lists divisions by code.
func (s *Server) ListRegions(ctx context.Context, r *directoryv1.ListRegionsRequest) (*directoryv1.ListRegionsResponse, error) {
	equal, err := readFilter(r.GetFilter(), "parent_region")
	if err != nil {
		return nil, err
	}
	page, err := s.store.regions.List(ctx, docstore.Query{
		Equal: equal, OrderBy: docstore.FieldName,
		PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListRegionsResponse{Regions: page.Items, NextPageToken: page.NextPageToken}, nil
}

// CreateBureau adds a bureau to the caller's region.
func (s *Server) CreateBureau(ctx context.Context, r *directoryv1.CreateBureauRequest) (*directoryv1.Bureau, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	b := r.GetBureau()
	if err := checkBureau(b); err != nil {
		return nil, err
	}
	if err := s.checkOpenRegion(ctx, r.GetParent()); err != nil {
		return nil, err
	}
	b.Name = r.GetParent() + "/bureaus/" + resource.NewID(s.now())
	if err := s.checkSuccessor(ctx, b); err != nil {
		return nil, err
	}
	made, _, err := s.store.bureaus.Create(ctx, b, docstore.Change{})
	if isAlreadyExists(err) {
		return nil, rpc.New(codes.AlreadyExists, "USCC_TAKEN", "统一社会信用代码已被其他单位使用", "uscc", b.GetUscc())
	}
	return made, rpc.FromStore(err, r.GetParent())
}

// checkOpenRegion refuses new entries in a division that is unknown or whose
// code is no longer valid.
func (s *Server) checkOpenRegion(ctx context.Context, name string) error {
	region, _, err := s.store.regions.Get(ctx, name)
	if err != nil {
		return rpc.FromStore(err, name)
	}
	return checkRegionValid(region, calendar.On(s.now()))
}

// checkSuccessor follows the chain of successors: each exists, is of the same
// region, and none comes back to the bureau.
func (s *Server) checkSuccessor(ctx context.Context, b *directoryv1.Bureau) error {
	next := b.GetSuccessor()
	if next == "" {
		return nil
	}
	if err := checkShape("bureau.successor", bureauPattern, next); err != nil {
		return err
	}
	for range maxMergers {
		if next == "" {
			return nil
		}
		if next == b.GetName() {
			return rpc.Field("bureau.successor", "SUCCESSOR_CYCLE", "继任单位最终指回本单位")
		}
		if resource.Region(next) != resource.Region(b.GetName()) {
			return errSuccessorUnknown()
		}
		successor, _, err := s.store.bureaus.Get(ctx, next)
		if isNotFound(err) {
			return errSuccessorUnknown()
		}
		if err != nil {
			return rpc.FromStore(err, next)
		}
		next = successor.GetSuccessor()
	}
	return rpc.Field("bureau.successor", "SUCCESSOR_CHAIN_TOO_LONG", fmt.Sprintf("继任关系不应超过%d级", maxMergers))
}

func errSuccessorUnknown() error {
	return rpc.Field("bureau.successor", "SUCCESSOR_UNKNOWN", "继任单位不存在")
}

// predecessors are the bureaus that were merged into one, directly or not.
func (s *Server) predecessors(ctx context.Context, bureau string) ([]string, error) {
	if bureau == "" {
		return nil, nil
	}
	var found []string
	seen := map[string]bool{bureau: true}
	for queue := []string{bureau}; len(queue) > 0; queue = queue[1:] {
		page, err := s.store.bureaus.List(ctx, docstore.Query{
			Equal: map[string]any{"successor": queue[0]}, PageSize: maxMergers,
		})
		if err != nil {
			return nil, fmt.Errorf("list bureaus merged into %s: %w", bureau, err)
		}
		for _, b := range page.Items {
			if !seen[b.GetName()] && len(found) < maxMergers {
				seen[b.GetName()] = true
				found = append(found, b.GetName())
				queue = append(queue, b.GetName())
			}
		}
	}
	return found, nil
}

// GetBureau reads a bureau of the caller's region.
func (s *Server) GetBureau(ctx context.Context, r *directoryv1.GetBureauRequest) (*directoryv1.Bureau, error) {
	if _, err := own(ctx, "name", bureauPattern, r.GetName()); err != nil {
		return nil, err
	}
	b, _, err := s.store.bureaus.Get(ctx, r.GetName())
	return b, rpc.FromStore(err, r.GetName())
}

// ListBureaus lists the bureaus of the caller's region by name.
func (s *Server) ListBureaus(ctx context.Context, r *directoryv1.ListBureausRequest) (*directoryv1.ListBureausResponse, error) {
	if _, err := own(ctx, "parent", regionPattern, r.GetParent()); err != nil {
		return nil, err
	}
	page, err := s.store.bureaus.List(ctx, docstore.Query{
		Prefix:   &docstore.Prefix{Field: docstore.FieldName, Value: r.GetParent() + "/bureaus/"},
		PageSize: int(r.GetPageSize()), PageToken: r.GetPageToken(),
	})
	if err != nil {
		return nil, rpc.FromStore(err, "")
	}
	return &directoryv1.ListBureausResponse{Bureaus: page.Items, NextPageToken: page.NextPageToken}, nil
}

// UpdateBureau changes the name, kind or successor of a bureau. The successor's
// staff see what the bureau could see from their next access token on.
func (s *Server) UpdateBureau(ctx context.Context, r *directoryv1.UpdateBureauRequest) (*directoryv1.Bureau, error) {
	from := r.GetBureau()
	if _, err := own(ctx, "bureau.name", bureauPattern, from.GetName()); err != nil {
		return nil, err
	}
	fields, err := rpc.MaskFields(from, r.GetUpdateMask(), "display_name", "kind", "successor")
	if err != nil {
		return nil, err
	}
	if fields["successor"] {
		if err := s.checkSuccessor(ctx, from); err != nil {
			return nil, err
		}
	}
	b, _, err := s.store.bureaus.Update(ctx, from.GetName(), docstore.Precondition{Etag: from.GetEtag()},
		func(b *directoryv1.Bureau, _ docstore.Meta) (docstore.Change, error) {
			details, err := changeBureau(b, from, fields)
			return docstore.Change{Details: details}, err
		})
	return b, rpc.FromStore(err, from.GetName())
}
