package rpc

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	competitionv1 "fashen/gen/fashen/competition/v1"
	counselv1 "fashen/gen/fashen/counsel/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

// Which RPCs of the product are made again is read off their contracts: every Get
// and List, and nothing that writes without a request id.
func TestRepeatable(t *testing.T) {
	for _, service := range []protoreflect.ServiceDescriptor{
		filingv1.File_fashen_filing_v1_filing_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_counsel_service_proto.Services().Get(0),
		competitionv1.File_fashen_competition_v1_competition_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_review_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_matter_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_register_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_letter_service_proto.Services().Get(0),
		counselv1.File_fashen_counsel_v1_solicitation_proto.Services().Get(0),
		directoryv1.File_fashen_directory_v1_directory_service_proto.Services().Get(0),
		directoryv1.File_fashen_directory_v1_session_service_proto.Services().Get(0),
	} {
		for i := range service.Methods().Len() {
			m := service.Methods().Get(i)
			if m.IsStreamingClient() || m.IsStreamingServer() {
				continue
			}
			request, err := protoregistry.GlobalTypes.FindMessageByName(m.Input().FullName())
			if err != nil {
				t.Fatal(err)
			}
			of := describe("/" + string(service.FullName()) + "/" + string(m.Name()))
			reads := slices.ContainsFunc([]string{"Get", "List", "Resolve", "Compute", "Compare", "Screen", "Try"}, func(verb string) bool {
				return strings.HasPrefix(string(m.Name()), verb)
			})
			if got := of.repeatable(request.New().Interface()); got != reads {
				t.Errorf("%s is made again: %v", m.FullName(), got)
			}
			if field := m.Input().Fields().ByName("request_id"); field != nil {
				with := request.New()
				with.Set(field, protoreflect.ValueOfString("x"))
				if !of.repeatable(with.Interface()) {
					t.Errorf("%s with a request id is not made again", m.FullName())
				}
			}
		}
	}
}
