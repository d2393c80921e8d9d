package filing

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/calendar"
	"fashen/internal/officialdoc"
	"fashen/internal/policytext"
	"fashen/internal/rpc"
)

// screener stands in Word files where a person's name would: rules found it.
const screener = "fashen"

// AnnotateRevision implements FilingService.
func (s *Server) AnnotateRevision(in *filingv1.AnnotateRevisionRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	ctx := stream.Context()
	r, err := s.findingsRevision(ctx, in.GetName())
	if err != nil {
		return err
	}
	text, err := s.text(ctx, r)
	if err != nil {
		return err
	}
	screening, err := s.screening(ctx, r)
	if err != nil {
		return err
	}
	done, err := s.compute(ctx)
	if err != nil {
		return err
	}
	data, err := officialdoc.Annotate(text, officialdoc.FindingComments(screening.GetFindings(), screener, wallClock(r)))
	done()
	if err != nil {
		return fmt.Errorf("annotate the draft: %w", err)
	}
	return rpc.SendFile(stream, markedName(r, "批注"), officialdoc.MediaTypeDOCX, bytes.NewReader(data))
}

// RedlineRevision implements FilingService.
func (s *Server) RedlineRevision(in *filingv1.RedlineRevisionRequest, stream grpc.ServerStreamingServer[httpbody.HttpBody]) error {
	ctx := stream.Context()
	p, err := s.pair(ctx, in.GetName(), in.GetBase())
	if err != nil {
		return err
	}
	data, err := s.redline(stream, p)
	if err != nil {
		return err
	}
	return rpc.SendFile(stream, markedName(p.newer, "修订对照"), officialdoc.MediaTypeDOCX, bytes.NewReader(data))
}

func (s *Server) redline(stream grpc.ServerStreamingServer[httpbody.HttpBody], p pair) ([]byte, error) {
	ctx := stream.Context()
	done, err := s.compute(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	c, err := policytext.Compare(ctx, p.before, p.after)
	if err != nil {
		return nil, err
	}
	data, err := officialdoc.Redline(p.before, p.after, c, officialdoc.Edit{Author: screener, Time: wallClock(p.newer)})
	if err != nil {
		return nil, fmt.Errorf("redline the drafts: %w", err)
	}
	return data, nil
}

// wallClock is when a draft came, as clocks in Asia/Shanghai said.
func wallClock(r *filingv1.Revision) time.Time { return calendar.WallClock(r.GetUploadTime().AsTime()) }

// markedName is the name of a draft's file with what was done to it.
func markedName(r *filingv1.Revision, what string) string {
	name := r.GetFile().GetFilename()
	return strings.TrimSuffix(name, path.Ext(name)) + "（" + what + "）.docx"
}
