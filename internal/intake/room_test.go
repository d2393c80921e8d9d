package intake

import (
	"testing"

	"google.golang.org/grpc/codes"
)

func TestRoom(t *testing.T) {
	const intakeBytes = 1_000
	i := newRoom(intakeBytes)
	var ends []func()
	for range UploadsPerCaller {
		grow, end, err := i.begin("a")
		must(t, err)
		must(t, grow(intakeBytes/UploadsPerCaller))
		ends = append(ends, end)
	}
	_, _, err := i.begin("a")
	wantCode(t, err, codes.ResourceExhausted, "TOO_MANY_UPLOADS")
	grow, end, err := i.begin("b")
	must(t, err)
	wantCode(t, grow(1), codes.ResourceExhausted, "UPLOADS_BUSY")
	ends[0]()
	must(t, grow(1))
	end()
	for _, end := range ends[1:] {
		end()
	}
	if i.bytes != 0 || len(i.uploads) != 0 {
		t.Errorf("%d bytes and %v are still counted", i.bytes, i.uploads)
	}
}
