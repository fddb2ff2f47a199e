package kv_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	kvproto "github.com/hashicorp/go-plugin/examples/grpc/proto"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pyvider/rpcplugin/internal/kv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func noError(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve serves a store and returns the example's own client.
func serve(t *testing.T, dir string) kvproto.KVClient {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	noError(t, err)
	server := grpc.NewServer()
	kv.NewStore(dir).Register(server)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	noError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return kvproto.NewKVClient(conn)
}

func put(ctx context.Context, client kvproto.KVClient, key string, value []byte) error {
	_, err := client.Put(ctx, &kvproto.PutRequest{Key: key, Value: value})
	return err
}

func get(ctx context.Context, client kvproto.KVClient, key string) ([]byte, error) {
	reply, err := client.Get(ctx, &kvproto.GetRequest{Key: key})
	return reply.GetValue(), err
}

func TestPutAndGet(t *testing.T) {
	dir := t.TempDir()
	client := serve(t, dir)
	if _, err := get(t.Context(), client, "k"); status.Code(err) != codes.NotFound || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("before the first put: %v", err)
	}
	for _, value := range []string{"first", "", "\x00binary\xff", strings.Repeat("long", 1000)} {
		noError(t, put(t.Context(), client, "k", []byte(value)))
		got, err := get(t.Context(), client, "k")
		noError(t, err)
		if string(got) != value {
			t.Errorf("got %q, expected %q", got, value)
		}
	}
	// Where the example keeps it, and nothing else.
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	noError(t, err)
	if hidden, _ := filepath.Glob(filepath.Join(dir, ".*")); len(files) != 1 || filepath.Base(files[0]) != "kv_k" || len(hidden) > 0 {
		t.Errorf("files are %q and %q, expected kv_k", files, hidden)
	}
	// A value outlives the plugin.
	if got, err := get(t.Context(), serve(t, dir), "k"); err != nil || len(got) != 4000 {
		t.Errorf("another plugin got %d bytes, %v", len(got), err)
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	noError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600))
	inside := filepath.Join(dir, "store")
	noError(t, os.Mkdir(inside, 0o700))
	client := serve(t, inside)
	for _, key := range []string{
		"", "a/b", "../secret", "/../secret", "..", "a/", strings.Repeat("k", 201), "a\x00b",
	} {
		if err := put(t.Context(), client, key, nil); status.Code(err) != codes.InvalidArgument {
			t.Errorf("put %q: %v, expected InvalidArgument", key, err)
		}
		if _, err := get(t.Context(), client, key); status.Code(err) != codes.InvalidArgument {
			t.Errorf("get %q: %v, expected InvalidArgument", key, err)
		}
	}
	for _, key := range []string{"k", "with space", "ünï", ".hidden", strings.Repeat("k", 200)} {
		noError(t, put(t.Context(), client, key, []byte(key)))
		if got, err := get(t.Context(), client, key); err != nil || string(got) != key {
			t.Errorf("get %q: %q, %v", key, got, err)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	client := serve(t, filepath.Join(t.TempDir(), "none"))
	if err := put(t.Context(), client, "k", nil); status.Code(err) != codes.Internal {
		t.Errorf("put: %v, expected Internal", err)
	}
	if _, err := get(t.Context(), client, "k"); status.Code(err) != codes.NotFound {
		t.Errorf("get: %v, expected NotFound", err)
	}
}

// A reader sees one value or the other.
func TestReplacing(t *testing.T) {
	client := serve(t, t.TempDir())
	values := [2][]byte{bytes.Repeat([]byte("a"), 100_000), bytes.Repeat([]byte("b"), 50_000)}
	noError(t, put(t.Context(), client, "k", values[0]))
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := range 100 {
			if err := put(t.Context(), client, "k", values[i%2]); err != nil {
				t.Error(err)
			}
		}
	})
	for range 100 {
		got, err := get(t.Context(), client, "k")
		noError(t, err)
		if !bytes.Equal(got, values[0]) && !bytes.Equal(got, values[1]) {
			t.Fatalf("got a mixture of %d bytes", len(got))
		}
	}
	writing.Wait()
}

func TestSchema(t *testing.T) {
	var schema kv.Schema
	if names := schema.ServiceNames(); len(names) != 1 || names[0] != "proto.KV" {
		t.Errorf("services are %q", names)
	}
	found, err := schema.FindDescriptorByName("proto.KV")
	noError(t, err)
	service := found.(protoreflect.ServiceDescriptor)
	// The example's own is registered in this binary.
	theirs, err := protoregistry.GlobalFiles.FindDescriptorByName("proto.KV")
	noError(t, err)
	for i := range theirs.(protoreflect.ServiceDescriptor).Methods().Len() {
		want := theirs.(protoreflect.ServiceDescriptor).Methods().Get(i)
		got := service.Methods().ByName(want.Name())
		if got == nil || got.Input().FullName() != want.Input().FullName() || got.Output().FullName() != want.Output().FullName() {
			t.Errorf("method %s is %v", want.Name(), got)
			continue
		}
		for j := range want.Input().Fields().Len() {
			field := want.Input().Fields().Get(j)
			if ours := got.Input().Fields().ByName(field.Name()); ours == nil || ours.Number() != field.Number() || ours.Kind() != field.Kind() {
				t.Errorf("field %s is %v", field.FullName(), ours)
			}
		}
	}
	if file, err := schema.FindFileByPath(found.ParentFile().Path()); err != nil || file.Package() != "proto" {
		t.Errorf("its file: %v, %v", file, err)
	}
	if _, err := schema.FindDescriptorByName("proto.None"); !errors.Is(err, protoregistry.NotFound) {
		t.Errorf("proto.None: %v", err)
	}
	if _, err := schema.FindFileByPath("none.proto"); !errors.Is(err, protoregistry.NotFound) {
		t.Errorf("none.proto: %v", err)
	}
}
