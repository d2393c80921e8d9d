package gateway

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/api/httpbody"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

// downloadRevision sends a draft's file: GET …/revisions/{n}:download.
func (g *gateway) downloadRevision(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := noParameters(r); err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	name := documentName(c) + "/revisions/" + c.ids[2]
	revision, err := g.filing.GetRevision(ctx, &filingv1.GetRevisionRequest{Name: name})
	if err != nil {
		return err
	}
	stream, err := g.filing.DownloadRevision(ctx, &filingv1.DownloadRevisionRequest{Name: name})
	if err != nil {
		return err
	}
	return g.deliver(ctx, w, revision.GetFile(), stream)
}

// downloadMaterial sends a piece of material: GET …/materials/{kind}:download.
func (g *gateway) downloadMaterial(w http.ResponseWriter, r *http.Request, c *call) error {
	kind, err := materialKind(c)
	if err != nil {
		return err
	}
	if err := noParameters(r); err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	name := documentName(c)
	document, err := g.filing.GetDocument(ctx, &filingv1.GetDocumentRequest{Name: name})
	if err != nil {
		return err
	}
	for _, material := range document.GetMaterials() {
		if material.GetKind() != kind {
			continue
		}
		stream, err := g.filing.DownloadMaterial(ctx, &filingv1.DownloadMaterialRequest{Name: name, Kind: kind})
		if err != nil {
			return err
		}
		return g.deliver(ctx, w, material.GetFile(), stream)
	}
	return rpc.NotFound(name + "/materials/" + c.ids[2])
}

func noParameters(r *http.Request) error {
	query, err := parseQuery(r)
	if err != nil {
		return err
	}
	return onlyParameters(query)
}

// deliver sends a file's bytes exactly. They are hashed on the way and the last
// message is held back until the hash is that of the record: what does not fit,
// such as material replaced meanwhile, ends in a broken transfer instead of a
// wrong file.
func (g *gateway) deliver(ctx context.Context, w http.ResponseWriter, file *filingv1.File, stream grpc.ServerStreamingClient[httpbody.HttpBody]) error {
	d := delivery{w: w, file: file, sum: sha256.New()}
	err := d.run(stream)
	if err == nil || !d.started {
		return err
	}
	g.log.LogAttrs(ctx, slog.LevelError, "download broken off", slog.Any("error", err))
	panic(http.ErrAbortHandler) // the status is out; only a cut connection tells
}

// delivery is one file on its way out.
type delivery struct {
	w       http.ResponseWriter
	file    *filingv1.File
	sum     hash.Hash
	size    int64
	started bool
}

func (d *delivery) run(stream grpc.ServerStreamingClient[httpbody.HttpBody]) error {
	var held []byte
	for {
		body, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if len(body.GetData()) == 0 {
			continue
		}
		if held != nil {
			if err := d.write(held); err != nil {
				return err
			}
		}
		held = body.GetData()
		d.sum.Write(held)
		d.size += int64(len(held))
	}
	if d.size != d.file.GetSizeBytes() || hex.EncodeToString(d.sum.Sum(nil)) != d.file.GetSha256() {
		return rpc.New(codes.DataLoss, "CONTENT_MISMATCH", "文件内容与其校验值不符")
	}
	return d.write(held)
}

func (d *delivery) write(data []byte) error {
	if !d.started {
		d.started = true
		fileHeaders(d.w.Header(), d.file)
	}
	_, err := d.w.Write(data)
	return err
}

// fileHeaders describes a file so that a browser saves it and never shows it.
func fileHeaders(h http.Header, file *filingv1.File) {
	contentType := "application/octet-stream"
	if _, _, err := mime.ParseMediaType(file.GetMediaType()); err == nil {
		contentType = file.GetMediaType()
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.FormatInt(file.GetSizeBytes(), 10))
	h.Set("Content-Disposition", attachment(file.GetFilename()))
	setETag(h, file.GetSha256())
}

// attachment is a Content-Disposition with the name as it is (RFC 8187) and an
// ASCII one for clients that cannot read that.
func attachment(filename string) string {
	plain := strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || strings.ContainsRune(`"\/%;`, c) {
			return '_'
		}
		return c
	}, filename)
	// QueryEscape leaves letters, digits and "-_.~" only, all of them attr-chars.
	exact := strings.ReplaceAll(url.QueryEscape(filename), "+", "%20")
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + exact
}
