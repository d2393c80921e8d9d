package e2e

import (
	"context"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	directoryv1 "fashen/gen/fashen/directory/v1"
)

const identityService = "fashen.directory.v1.IdentityService/"

// identityRequests are the requests of the table with which processes ask who calls
// them.
var identityRequests = map[string]func(n names) proto.Message{
	identityService + "CheckApiKey": func(names) proto.Message {
		return &directoryv1.CheckApiKeyRequest{KeyId: absentID, SecretHash: make([]byte, 32)}
	},
	identityService + "CheckLogin": func(names) proto.Message {
		return &directoryv1.CheckLoginRequest{Login: "drafter", IssueTime: timestamppb.Now()}
	},
}

func (c overGRPC) watchRevocations(ctx context.Context, token string) *failure {
	stream, err := directoryv1.NewIdentityServiceClient(c.conn).WatchRevocations(authorized(ctx, token), &directoryv1.WatchRevocationsRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	return grpcFailure(err)
}
