package gateway

import (
	"context"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	competitionv1 "fashen/gen/fashen/competition/v1"
	corev1 "fashen/gen/fashen/core/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// contract is a gRPC service whose http rules the gateway serves.
type contract struct {
	// owner is the short name of the service that answers it; empty where every
	// service does, and the request names the one that is asked.
	owner      string
	descriptor protoreflect.ServiceDescriptor
	// register adds the generated handlers, which call over a connection.
	register func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error
}

// contracts are all that is served over REST.
func contracts() []contract {
	checkpoints := corev1.File_fashen_core_v1_checkpoint_proto.Services()
	filing := filingv1.File_fashen_filing_v1_filing_service_proto.Services()
	competition := competitionv1.File_fashen_competition_v1_competition_service_proto.Services()
	counsel := counselv1.File_fashen_counsel_v1_counsel_service_proto.Services()
	reviews := counselv1.File_fashen_counsel_v1_review_service_proto.Services()
	register := counselv1.File_fashen_counsel_v1_register_service_proto.Services()
	letters := counselv1.File_fashen_counsel_v1_letter_service_proto.Services()
	matters := counselv1.File_fashen_counsel_v1_matter_service_proto.Services()
	solicitation := counselv1.File_fashen_counsel_v1_solicitation_proto.Services()
	directory := directoryv1.File_fashen_directory_v1_directory_service_proto.Services()
	session := directoryv1.File_fashen_directory_v1_session_service_proto.Services()
	systems := directoryv1.File_fashen_directory_v1_system_service_proto.Services()
	work := corev1.File_fashen_core_v1_work_service_proto.Services()
	delegations := directoryv1.File_fashen_directory_v1_delegation_service_proto.Services()
	webhooks := directoryv1.File_fashen_directory_v1_webhook_service_proto.Services()
	intents := corev1.File_fashen_core_v1_intent_proto.Services()
	return []contract{
		{"", checkpoints.Get(0), over(corev1.NewCheckpointServiceClient, corev1.RegisterCheckpointServiceHandlerClient)},
		{"", work.Get(0), over(corev1.NewWorkServiceClient, corev1.RegisterWorkServiceHandlerClient)},
		{"filing", filing.Get(0), over(filingv1.NewFilingServiceClient, filingv1.RegisterFilingServiceHandlerClient)},
		{"competition", competition.Get(0), over(competitionv1.NewCompetitionServiceClient, competitionv1.RegisterCompetitionServiceHandlerClient)},
		{"counsel", counsel.Get(0), over(counselv1.NewCounselServiceClient, counselv1.RegisterCounselServiceHandlerClient)},
		{"counsel", reviews.Get(0), over(counselv1.NewReviewServiceClient, counselv1.RegisterReviewServiceHandlerClient)},
		{"counsel", register.Get(0), over(counselv1.NewRegisterServiceClient, counselv1.RegisterRegisterServiceHandlerClient)},
		{"counsel", letters.Get(0), over(counselv1.NewLetterServiceClient, counselv1.RegisterLetterServiceHandlerClient)},
		{"counsel", matters.Get(0), over(counselv1.NewMatterServiceClient, counselv1.RegisterMatterServiceHandlerClient)},
		{"counsel", solicitation.Get(0), over(counselv1.NewSolicitationServiceClient, counselv1.RegisterSolicitationServiceHandlerClient)},
		{"directory", directory.Get(0), over(directoryv1.NewDirectoryServiceClient, directoryv1.RegisterDirectoryServiceHandlerClient)},
		{"directory", session.Get(0), over(directoryv1.NewSessionServiceClient, directoryv1.RegisterSessionServiceHandlerClient)},
		{"directory", systems.Get(0), over(directoryv1.NewSystemServiceClient, directoryv1.RegisterSystemServiceHandlerClient)},
		{"directory", delegations.Get(0), over(directoryv1.NewDelegationServiceClient, directoryv1.RegisterDelegationServiceHandlerClient)},
		{"directory", webhooks.Get(0), over(directoryv1.NewWebhookServiceClient, directoryv1.RegisterWebhookServiceHandlerClient)},
		{"", intents.Get(0), over(corev1.NewIntentServiceClient, corev1.RegisterIntentServiceHandlerClient)},
	}
}

// over joins the generated client and handlers of a service.
func over[C any](client func(grpc.ClientConnInterface) C, handlers func(context.Context, *runtime.ServeMux, C) error) func(context.Context, *runtime.ServeMux, grpc.ClientConnInterface) error {
	return func(ctx context.Context, mux *runtime.ServeMux, conn grpc.ClientConnInterface) error {
		return handlers(ctx, mux, client(conn))
	}
}
