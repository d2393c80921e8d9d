package rpc

import (
	"fmt"
	"slices"
	"testing"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	corev1 "fashen/gen/fashen/core/v1"
	directoryv1 "fashen/gen/fashen/directory/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

func TestPlanStrip(t *testing.T) {
	for _, c := range []struct {
		message proto.Message
		want    bool
	}{
		{&directoryv1.SignInRequest{}, false},
		{&directoryv1.GetPersonRequest{}, false},
		{&corev1.PolicyText{}, false}, // holds provisions, which hold themselves
		{&directoryv1.CreatePersonRequest{}, true},
		{&directoryv1.ListPeopleResponse{}, true},
		{&directoryv1.Session{}, true},
	} {
		if got := planStrip(c.message.ProtoReflect().Descriptor()) != nil; got != c.want {
			t.Errorf("%T needs stripping: %v, want %v", c.message, got, c.want)
		}
	}
}

// The digest of an upload's first message leaves its request id and etag out, and
// leaves the message as it was.
func TestDigestOfUpload(t *testing.T) {
	m := describe("/fashen.filing.v1.FilingService/UploadRevision")
	upload := func(filename, id, etag string) *filingv1.UploadRevisionRequest {
		return &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{
			Upload: &filingv1.RevisionUpload{Parent: "p", Filename: filename, RequestId: id, Etag: etag},
		}}
	}
	digest := func(r *filingv1.UploadRevisionRequest) string {
		before := proto.CloneOf(r)
		sum, err := m.digest(r.ProtoReflect())
		if err != nil {
			t.Fatal(err)
		}
		if !proto.Equal(r, before) {
			t.Errorf("the request became %v, was %v", r, before)
		}
		return string(sum)
	}
	first := digest(upload("a.docx", "r1", "e1"))
	if first != digest(upload("a.docx", "r2", "e2")) {
		t.Error("request id or etag are part of the digest")
	}
	if first == digest(upload("b.docx", "r1", "e1")) {
		t.Error("the file name is not part of the digest")
	}
}

// Output-only fields go wherever they stand; an etag stays.
func TestStripInLists(t *testing.T) {
	person := func() *directoryv1.Person {
		return &directoryv1.Person{Name: "n", Login: "l", Etag: "e"}
	}
	dirty := person()
	dirty.State, dirty.Roles, dirty.CreateTime = directoryv1.Person_ACTIVE, []corev1.Role{1}, timestamppb.Now()
	message := &directoryv1.ListPeopleResponse{People: []*directoryv1.Person{dirty, person()}}
	planStrip(message.ProtoReflect().Descriptor()).apply(message.ProtoReflect())
	want := &directoryv1.ListPeopleResponse{People: []*directoryv1.Person{person(), person()}}
	if !proto.Equal(message, want) {
		t.Errorf("stripped to %v, want %v", message, want)
	}
}

func TestMask(t *testing.T) {
	request := &directoryv1.UpdateBureauRequest{}
	plan := planMask(request.ProtoReflect().Descriptor())
	if plan == nil {
		t.Fatal("an Update request has no mask plan")
	}
	if planMask((&directoryv1.CreatePersonRequest{}).ProtoReflect().Descriptor()) != nil {
		t.Error("a Create request has a mask plan")
	}
	for _, c := range []struct {
		paths, want []string
		reason      string
	}{
		{nil, nil, ""},
		{[]string{"*"}, []string{"*"}, ""},
		{[]string{"display_name", "kind"}, []string{"display_name", "kind"}, ""},
		{[]string{"displayName"}, []string{"display_name"}, ""},
		{[]string{"displayName", "display_name"}, []string{"display_name"}, ""},
		{[]string{"name", "etag", "create_time", "kind"}, []string{"kind"}, ""},
		{[]string{"createTime.seconds", "kind"}, []string{"kind"}, ""},
		{[]string{"name"}, nil, "FIELD_MASK_NOTHING_TO_CHANGE"},
		{[]string{"etag", "updateTime"}, nil, "FIELD_MASK_NOTHING_TO_CHANGE"},
		{[]string{"bogus"}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{"kind", "bogus"}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{"kind.x"}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{"*", "kind"}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{""}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{"kind."}, nil, "FIELD_MASK_UNKNOWN_PATH"},
		{[]string{"display_name\n"}, nil, "FIELD_MASK_UNKNOWN_PATH"},
	} {
		request := &directoryv1.UpdateBureauRequest{UpdateMask: &fieldmaskpb.FieldMask{Paths: c.paths}}
		err := plan.apply(request.ProtoReflect())
		if Reason(err) != c.reason {
			t.Errorf("%q: %v, want reason %q", c.paths, err, c.reason)
		}
		if err == nil && !slices.Equal(request.GetUpdateMask().GetPaths(), c.want) {
			t.Errorf("%q became %q, want %q", c.paths, request.GetUpdateMask().GetPaths(), c.want)
		}
	}
	if err := plan.apply((&directoryv1.UpdateBureauRequest{}).ProtoReflect()); err != nil {
		t.Errorf("a request without a mask: %v", err)
	}
}

// A request id is found in the request or in the message below that an upload
// begins with.
func TestFindRequestID(t *testing.T) {
	top := findRequestID((&directoryv1.CreatePersonRequest{}).ProtoReflect().Descriptor())
	if top == nil || top.below != nil {
		t.Errorf("request id of a plain request: %+v", top)
	}
	below := findRequestID((&filingv1.UploadRevisionRequest{}).ProtoReflect().Descriptor())
	if below == nil || below.below == nil {
		t.Fatalf("request id of an upload: %+v", below)
	}
	first := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Upload{
		Upload: &filingv1.RevisionUpload{RequestId: "r1"},
	}}
	chunk := &filingv1.UploadRevisionRequest{Content: &filingv1.UploadRevisionRequest_Chunk{Chunk: []byte("x")}}
	if _, id := below.of(first.ProtoReflect()); id != "r1" {
		t.Errorf("request id of the first message: %q", id)
	}
	if _, id := below.of(chunk.ProtoReflect()); id != "" {
		t.Errorf("request id of a chunk: %q", id)
	}
	if found := findRequestID((&directoryv1.GetPersonRequest{}).ProtoReflect().Descriptor()); found != nil {
		t.Errorf("request id of a request without one: %+v", found)
	}
}

// Each rule the sentences know reads well; a value that broke a rule is never
// repeated.
func TestSentences(t *testing.T) {
	for _, c := range []struct {
		message proto.Message
		want    []string
	}{
		{&directoryv1.ImportCalendarRequest{}, []string{"calendar REQUIRED 必填"}},
		{&directoryv1.ListCalendarsRequest{PageSize: 1001}, []string{"page_size INT32_GTE_LTE 不得小于0，也不得大于1000"}},
		{&directoryv1.Calendar{Year: 2026, Source: "示例", DaysOff: []string{"2026-01-01", "2026-01-01"}},
			[]string{"days_off REPEATED_UNIQUE 各项不得重复"}},
		{&directoryv1.Bureau{Uscc: "x", Kind: 99},
			[]string{"display_name STRING_MIN_LEN 至少1个字符", "kind ENUM_DEFINED_ONLY 不是已定义的取值"}},
	} {
		err := validateRequest(c.message)
		var got []string
		for _, d := range status.Convert(err).Details() {
			if bad, ok := d.(*errdetails.BadRequest); ok {
				for _, v := range bad.GetFieldViolations() {
					got = append(got, v.GetField()+" "+v.GetReason()+" "+v.GetDescription())
				}
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%T: %q, want %q", c.message, got, c.want)
		}
	}
}

// An update brings the fields it changes: what a rule says of the others does not
// count, but what is brought or named by the mask is checked.
func TestPartialUpdate(t *testing.T) {
	parties := func(n int) []string {
		p := make([]string, n)
		for i := range p {
			p[i] = fmt.Sprint("示例当事人", i)
		}
		return p
	}
	for _, c := range []struct {
		document *filingv1.Document
		paths    []string
		reason   string
	}{
		{&filingv1.Document{Title: "示例办法"}, []string{"title"}, ""},
		{&filingv1.Document{Title: "示例办法"}, nil, ""},
		{&filingv1.Document{}, []string{"title"}, "STRING_MIN_LEN"},
		{&filingv1.Document{Title: "短"}, nil, "STRING_MIN_LEN"},
		{&filingv1.Document{Title: "短"}, []string{"parties"}, "STRING_MIN_LEN"},
		{&filingv1.Document{Parties: parties(10_000)}, nil, "REPEATED_MAX_ITEMS"},
		{&filingv1.Document{Title: "示例办法"}, []string{"*"}, ReasonFieldViolation},
		{nil, nil, "REQUIRED"},
	} {
		err := validateRequest(&filingv1.UpdateDocumentRequest{
			Document: c.document, UpdateMask: &fieldmaskpb.FieldMask{Paths: c.paths},
		})
		if Reason(err) != c.reason {
			t.Errorf("title %q with mask %q: %v, want %q", c.document.GetTitle(), c.paths, err, c.reason)
		}
	}
}

func TestDescribeOther(t *testing.T) {
	for _, c := range []struct{ id, message, want string }{
		{"calendar.dates", "日期须在当年", "日期须在当年"},
		{"x.y", "must be good", "不符合要求：must be good"},
		{"x.y", "", "不符合要求：x.y"},
	} {
		if got := describeOther(c.id, c.message); got != c.want {
			t.Errorf("describeOther(%q, %q) = %q, want %q", c.id, c.message, got, c.want)
		}
	}
	if err := protovalidate.GlobalValidator.Validate(&directoryv1.SignInRequest{}); err == nil {
		t.Error("the rules of the protos are not in force")
	}
}
