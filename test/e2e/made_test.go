package e2e

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
)

const letterService = "fashen.counsel.v1.LetterService/"

// madeVerbs are the verbs by which files that a service writes are got over REST.
var madeVerbs = map[string]string{
	filingService + "AnnotateRevision": "annotate",
	filingService + "RedlineRevision":  "redline",
	letterService + "DownloadOpinion":  "download",
	letterService + "AnnotateOpinion":  "annotate",
	letterService + "DownloadNotice":   "downloadNotice",
	letterService + "DownloadLetter":   "download",
	letterService + "PreviewLetter":    "previewLetter",
}

// madeFile is such a file as it came.
type madeFile struct {
	data                []byte
	mediaType, filename string
}

// made gets a file that a service writes, over either protocol.
func made(ctx context.Context, c client, token, method string, in proto.Message) (madeFile, *failure) {
	if rest, ok := c.(overREST); ok {
		return rest.made(ctx, token, method, in)
	}
	stream, err := c.(overGRPC).conn.NewStream(authorized(ctx, token), &grpc.StreamDesc{ServerStreams: true}, "/"+method)
	if err == nil {
		err = stream.SendMsg(in)
	}
	if err == nil {
		err = stream.CloseSend()
	}
	if err != nil {
		return madeFile{}, grpcFailure(err)
	}
	var file madeFile
	for {
		body := &httpbody.HttpBody{}
		err := stream.RecvMsg(body)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return madeFile{}, grpcFailure(err)
		}
		if file.mediaType == "" {
			file.mediaType = body.GetContentType()
		}
		file.data = append(file.data, body.GetData()...)
	}
	header, err := stream.Header()
	if err != nil {
		return madeFile{}, grpcFailure(err)
	}
	file.filename = filenameIn(strings.Join(header.Get("content-disposition"), ""))
	return file, nil
}

func (c overREST) made(ctx context.Context, token, method string, in proto.Message) (madeFile, *failure) {
	m := proto.Clone(in).ProtoReflect()
	field := m.Descriptor().Fields().ByName("name")
	target := c.base + "/v1/" + m.Get(field).String() + ":" + madeVerbs[method]
	m.Clear(field)
	if query := queryOf(m); len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return madeFile{}, &failure{code: codes.Internal, message: err.Error()}
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return madeFile{}, &failure{code: codes.Unavailable, message: err.Error()}
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return madeFile{}, &failure{code: codes.Unavailable, message: err.Error()}
	case res.StatusCode != http.StatusOK:
		return madeFile{}, problemOf(data, res.StatusCode)
	}
	// The plain name beside the exact one is for old browsers.
	return madeFile{data, res.Header.Get("Content-Type"), filenameIn(strings.Replace(res.Header.Get("Content-Disposition"), `filename="`, `plain="`, 1))}, nil
}

func filenameIn(disposition string) string {
	_, parameters, err := mime.ParseMediaType(disposition)
	if err != nil {
		return err.Error()
	}
	return parameters["filename"]
}

// madeRequests are the requests for such files.
var madeRequests = map[string]func(n names) proto.Message{
	filingService + "AnnotateRevision": func(n names) proto.Message { return &filingv1.AnnotateRevisionRequest{Name: n.revision} },
	filingService + "RedlineRevision": func(n names) proto.Message {
		return &filingv1.RedlineRevisionRequest{Name: n.revision, Base: n.revision}
	},
	letterService + "DownloadOpinion signed review":  opinionLetterOf(func(n names) string { return n.signedReview }),
	letterService + "DownloadOpinion signed counsel": opinionLetterOf(func(n names) string { return n.signedCounsel }),
	letterService + "DownloadOpinion draft review":   opinionLetterOf(func(n names) string { return n.draftReview }),
	letterService + "AnnotateOpinion signed review":  annotatedBy(func(n names) string { return n.signedReview }),
	letterService + "AnnotateOpinion signed counsel": annotatedBy(func(n names) string { return n.signedCounsel }),
	letterService + "AnnotateOpinion draft counsel":  annotatedBy(func(n names) string { return n.draftCounsel }),
	letterService + "DownloadLetter issued":          func(n names) proto.Message { return &counselv1.DownloadLetterRequest{Name: n.letter} },
	letterService + "DownloadLetter served": func(n names) proto.Message {
		return &counselv1.DownloadLetterRequest{Name: n.served, Format: counselv1.LetterFormat_PDF}
	},
	letterService + "DownloadNotice": func(n names) proto.Message {
		return &counselv1.DownloadNoticeRequest{Name: n.review, Kind: counselv1.LetterKind_RETURN_NOTICE}
	},
	letterService + "PreviewLetter": func(n names) proto.Message {
		return &counselv1.PreviewLetterRequest{Name: n.profile, Kind: counselv1.LetterKind_REVIEW_OPINION}
	},
}

func opinionLetterOf(opinion func(names) string) func(n names) proto.Message {
	return func(n names) proto.Message { return &counselv1.DownloadOpinionRequest{Name: opinion(n)} }
}

func annotatedBy(opinion func(names) string) func(n names) proto.Message {
	return func(n names) proto.Message { return &counselv1.AnnotateOpinionRequest{Name: opinion(n)} }
}
