package checkpoint

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	corev1 "fashen/gen/fashen/core/v1"
	"fashen/internal/auth"
	"fashen/internal/docstore"
	"fashen/internal/rpc"
)

// Reasons of errors.
const (
	ReasonCut       = "FEED_CUT"
	ReasonRewritten = "FEED_REWRITTEN"
	ReasonAhead     = "TREE_SIZE_AHEAD"
)

// Server answers CheckpointService for the services of one process.
type Server struct {
	corev1.UnsafeCheckpointServiceServer

	signers map[string]*Signer
}

// NewServer makes a server of the services of some signers.
func NewServer(signers []*Signer) *Server {
	s := &Server{signers: map[string]*Signer{}}
	for _, signer := range signers {
		s.signers[signer.Service()] = signer
	}
	return s
}

// Register adds the service to a gRPC server.
func (s *Server) Register(r grpc.ServiceRegistrar) { corev1.RegisterCheckpointServiceServer(r, s) }

// signer is that of a feed which the caller may follow. A checkpoint and its proofs
// hold sizes and hashes only: they tell as much of what the caller may not see as
// the positions of Watch do.
func (s *Server) signer(ctx context.Context, parent, service string) (*Signer, error) {
	who, ok := auth.CallerFrom(ctx)
	if !ok {
		return nil, rpc.New(codes.Unauthenticated, rpc.ReasonTokenMissing, "请先登录")
	}
	if parent != docstore.GlobalFeed && parent != who.Region {
		return nil, rpc.NotFound(parent)
	}
	signer := s.signers[service]
	if signer == nil {
		return nil, rpc.Field("service", "SERVICE_UNKNOWN", "没有这个服务的事件流")
	}
	return signer, rpc.Reach(who, service)
}

// GetCheckpoint answers a signed checkpoint of the feed as it is now.
func (s *Server) GetCheckpoint(ctx context.Context, r *corev1.GetCheckpointRequest) (*corev1.Checkpoint, error) {
	signer, err := s.signer(ctx, r.GetParent(), r.GetService())
	if err != nil {
		return nil, err
	}
	c, err := signer.Sign(ctx, r.GetParent())
	if err != nil {
		return nil, shown(err)
	}
	return &corev1.Checkpoint{Note: c.Note, Origin: c.Origin(), Size: c.Size, RootHash: c.Root}, nil
}

// GetInclusionProof proves that an entry is in a tree.
func (s *Server) GetInclusionProof(ctx context.Context, r *corev1.GetInclusionProofRequest) (*corev1.InclusionProof, error) {
	signer, err := s.signer(ctx, r.GetParent(), r.GetService())
	if err != nil {
		return nil, err
	}
	if r.GetPosition() > r.GetTreeSize() {
		return nil, rpc.Field("position", "POSITION_AHEAD", "位置不能大于 tree_size")
	}
	leaf, hashes, err := signer.Inclusion(ctx, r.GetParent(), r.GetPosition(), r.GetTreeSize())
	if err != nil {
		return nil, shown(err)
	}
	return &corev1.InclusionProof{Position: r.GetPosition(), TreeSize: r.GetTreeSize(), LeafHash: leaf, Hashes: hashes}, nil
}

// GetConsistencyProof proves that one tree continues another.
func (s *Server) GetConsistencyProof(ctx context.Context, r *corev1.GetConsistencyProofRequest) (*corev1.ConsistencyProof, error) {
	signer, err := s.signer(ctx, r.GetParent(), r.GetService())
	if err != nil {
		return nil, err
	}
	if r.GetFromSize() > r.GetToSize() {
		return nil, rpc.Field("from_size", "SIZE_AHEAD", "from_size 不能大于 to_size")
	}
	hashes, err := signer.Consistency(ctx, r.GetParent(), r.GetFromSize(), r.GetToSize())
	if err != nil {
		return nil, shown(err)
	}
	return &corev1.ConsistencyProof{FromSize: r.GetFromSize(), ToSize: r.GetToSize(), Hashes: hashes}, nil
}

// shown is the error a client gets.
func shown(err error) error {
	switch {
	case errors.Is(err, ErrAhead):
		return rpc.New(codes.OutOfRange, ReasonAhead, "事件流还没有这么多条")
	case errors.Is(err, ErrCut):
		return rpc.New(codes.DataLoss, ReasonCut, "事件流短于已签署的检查点，未予签署，请联系系统管理员核查")
	case errors.Is(err, ErrRewritten):
		return rpc.New(codes.DataLoss, ReasonRewritten, "事件流与已签署的检查点不符，未予签署，请联系系统管理员核查")
	}
	return err
}
