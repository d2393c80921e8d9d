package gateway

import (
	"net/http"
	"strconv"
	"strings"

	counselv1 "fashen/gen/fashen/counsel/v1"
	filingv1 "fashen/gen/fashen/filing/v1"
	"fashen/internal/rpc"
)

// matterName is the matter of a transfer's path.
func matterName(c *call) string { return "regions/" + c.ids[0] + "/matters/" + c.ids[1] }

// uploadMatterFile takes a file: POST …/matters/{m}/files/{kind}:upload.
func (g *gateway) uploadMatterFile(w http.ResponseWriter, r *http.Request, c *call) error {
	word := c.ids[2]
	kind, ok := counselv1.MatterFile_Kind_value[strings.ToUpper(word)]
	if !ok || kind == 0 || word != strings.ToLower(word) {
		return rpc.NotFound(matterName(c) + "/files/" + word)
	}
	in, err := g.openUpload(w, r)
	if err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	stream, err := g.matters.UploadMatterFile(ctx)
	if err != nil {
		return err
	}
	first := &counselv1.UploadMatterFileRequest{Content: &counselv1.UploadMatterFileRequest_Upload{
		Upload: &counselv1.MatterUpload{
			Name: matterName(c), Kind: counselv1.MatterFile_Kind(kind), Filename: in.filename, Etag: in.etag, RequestId: in.requestID,
		},
	}}
	matter, err := send(in, stream, first, func(chunk []byte) *counselv1.UploadMatterFileRequest {
		return &counselv1.UploadMatterFileRequest{Content: &counselv1.UploadMatterFileRequest_Chunk{Chunk: chunk}}
	})
	if err != nil {
		return err
	}
	return answerJSON(w, matter)
}

// downloadMatterFile sends a file: GET …/matters/{m}/files/{number}:download.
func (g *gateway) downloadMatterFile(w http.ResponseWriter, r *http.Request, c *call) error {
	name := matterName(c)
	number, err := strconv.ParseInt(c.ids[2], 10, 32)
	if err != nil || number < 1 {
		return rpc.NotFound(name + "/files/" + c.ids[2])
	}
	if err := noParameters(r); err != nil {
		return err
	}
	ctx, cancel := g.transferContext(w, r, c)
	defer cancel()
	matter, err := g.matters.GetMatter(ctx, &counselv1.GetMatterRequest{Name: name})
	if err != nil {
		return err
	}
	for _, f := range matter.GetFiles() {
		if int64(f.GetNumber()) != number {
			continue
		}
		stream, err := g.matters.DownloadMatterFile(ctx, &counselv1.DownloadMatterFileRequest{Name: name, Number: f.GetNumber()})
		if err != nil {
			return err
		}
		return g.deliver(ctx, w, &filingv1.File{
			Filename: f.GetFilename(), MediaType: f.GetMediaType(), SizeBytes: f.GetSizeBytes(), Sha256: f.GetSha256(),
		}, stream)
	}
	return rpc.NotFound(name + "/files/" + c.ids[2])
}
