package intake

import (
	"sync"

	"google.golang.org/grpc/codes"

	"fashen/internal/rpc"
)

// UploadsPerCaller bounds the uploads of one person at a time, so that a slow or
// hostile one does not take the room of all.
const UploadsPerCaller = 4

// room counts the bytes of the files that are being taken in. A file takes
// room as its bytes arrive, so that a slow sender holds only what it has sent,
// and nobody waits: who finds no room is told to come again.
type room struct {
	// most bounds what all uploads together hold in memory: files are read whole
	// before anything is stored.
	most    int
	mu      sync.Mutex
	bytes   int
	uploads map[string]int
}

func newRoom(most int) *room { return &room{most: most, uploads: map[string]int{}} }

// begin counts an upload of a person; end takes it back, with the bytes it took.
func (i *room) begin(person string) (grow func(n int) error, end func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.uploads[person] >= UploadsPerCaller {
		return nil, nil, rpc.New(codes.ResourceExhausted, "TOO_MANY_UPLOADS", "同时上传的文件过多，请待前面的上传完成")
	}
	i.uploads[person]++
	taken := 0
	grow = func(n int) error {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.bytes+n > i.most {
			return rpc.New(codes.ResourceExhausted, "UPLOADS_BUSY", "当前上传较多，请稍后重试")
		}
		i.bytes += n
		taken += n
		return nil
	}
	end = func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.bytes -= taken
		if i.uploads[person]--; i.uploads[person] == 0 {
			delete(i.uploads, person)
		}
	}
	return grow, end, nil
}

// Held tells how many bytes the uploads at hand hold, and of how many people they are.
func (d *Door) Held() (bytes, people int) {
	d.room.mu.Lock()
	defer d.room.mu.Unlock()
	return d.room.bytes, len(d.room.uploads)
}
