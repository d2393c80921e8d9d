// Command protodeps writes the third-party .proto files that fashen's own
// protos import into a folder. It prints them from the descriptors inside their
// generated Go packages, so that no schema registry is needed, nothing
// third-party is committed and their versions are the ones in go.mod.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/jhump/protoreflect/v2/protoprint"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "github.com/grpc-ecosystem/grpc-gateway/v2/protoc-gen-openapiv2/options"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/api/httpbody"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	_ "google.golang.org/genproto/googleapis/type/date"
)

// prefixes are the import paths that our protos may use. The well-known types
// of google/protobuf are part of the compiler.
var prefixes = []string{
	"google/api/", "google/rpc/", "google/type/",
	"buf/validate/", "protoc-gen-openapiv2/options/",
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: protodeps FOLDER")
	}
	if err := write(os.Args[1]); err != nil {
		log.Fatalf("protodeps: %v", err)
	}
}

// write prints every registered file under one of the prefixes into folder.
func write(folder string) error {
	var failed error
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if wanted(file.Path()) {
			failed = writeFile(folder, file)
		}
		return failed == nil
	})
	return failed
}

func wanted(path string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

func writeFile(folder string, file protoreflect.FileDescriptor) error {
	printer := protoprint.Printer{}
	text, err := printer.PrintProtoToString(file)
	if err != nil {
		return fmt.Errorf("print %s: %w", file.Path(), err)
	}
	target := filepath.Join(folder, filepath.FromSlash(file.Path()))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	return os.WriteFile(target, []byte(text), 0o644)
}
