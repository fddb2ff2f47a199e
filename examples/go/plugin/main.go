// Plugin is a small plugin for hosts of the go-plugin protocol: it stores values
// under keys, in files of the working directory. Its service is that of
// go-plugin's gRPC example, so that example's host can use it, as can
// examples/go/host:
//
//	go build -o /tmp/kv ./examples/go/plugin
//	go run ./examples/go/host /tmp/kv
//
//	go install github.com/hashicorp/go-plugin/examples/grpc@v1.7.0
//	KV_PROTO=grpc KV_PLUGIN=/tmp/kv grpc put greeting hello
//	KV_PROTO=grpc KV_PLUGIN=/tmp/kv grpc get greeting
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/pkg/server"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

func main() {
	// Serve checks the cookie, agrees with the host on a version and on TLS,
	// prints the handshake line and serves until the host asks for the end, or
	// is gone. Then it lets running calls finish, for a second at most, and
	// leaves nothing behind.
	err := server.Serve(context.Background(), config())
	if err == nil {
		return
	}
	// Nothing may be on stdout before the handshake line, so errors go to
	// stderr. Started by hand there is no cookie: say so in words for people.
	var failed *server.Error
	if errors.As(err, &failed) && failed.Reason == server.ReasonCookie {
		fmt.Fprint(os.Stderr, handshake.CookieText(cookie(), os.Args[0], ""))
	} else {
		fmt.Fprintln(os.Stderr, "error:", err)
	}
	os.Exit(1)
}

// cookie is what host and plugin both know. It keeps people from running a
// plugin by hand; it is no secret.
func cookie() handshake.Cookie { return handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"} }

// config is the plugin. A test gives it to server.ServeTest.
func config() server.Config {
	return server.Config{
		Cookie: cookie(),
		// What each app version serves; the highest that the host has, too, is
		// chosen.
		Versions: map[int]server.Register{
			1: func(r grpc.ServiceRegistrar, _ *server.Server) error {
				return register(r, &store{})
			},
			2: func(r grpc.ServiceRegistrar, _ *server.Server) error {
				return register(r, &store{strict: true})
			},
		},
		// fmt.Println in a call reaches the host. Without it, s.Stdio().Stdout()
		// of the second argument above is the writer to use.
		Capture: true,
		// Ctrl-C is the host's to handle; SIGTERM stops the plugin in an orderly
		// way.
		Signals: true,
		// Stderr belongs to the log: hosts read it line by line. The file is
		// taken here, before Capture puts another in its place.
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
}

// register adds the service, and once more under the name that go-plugin's
// example has for it: a plugin is free to serve what it likes.
func register(r grpc.ServiceRegistrar, s *store) error {
	kvpb.RegisterKVServer(r, s)
	service := kvpb.KV_ServiceDesc // a copy
	service.ServiceName = "proto.KV"
	r.RegisterService(&service, s)
	return nil
}

// store is the service of both versions.
type store struct {
	kvpb.UnimplementedKVServer

	// strict makes a key without a value an error. Hosts of version 1 were
	// promised an empty value, and still get it: that is what versions are for.
	strict bool
}

// Put stores a value.
func (s *store) Put(_ context.Context, request *kvpb.PutRequest) (*kvpb.Empty, error) {
	path, err := file(request.GetKey())
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, request.GetValue(), 0o600); err != nil {
		return nil, status.Errorf(codes.Internal, "key %q: %v", request.GetKey(), err)
	}
	fmt.Printf("stored %d bytes under %q\n", len(request.GetValue()), request.GetKey())
	return &kvpb.Empty{}, nil
}

// Get reads a value.
func (s *store) Get(_ context.Context, request *kvpb.GetRequest) (*kvpb.GetResponse, error) {
	path, err := file(request.GetKey())
	if err != nil {
		return nil, err
	}
	value, err := os.ReadFile(path)
	switch {
	case err == nil:
		return &kvpb.GetResponse{Value: value}, nil
	case errors.Is(err, fs.ErrNotExist) && s.strict:
		return nil, status.Errorf(codes.NotFound, "no value was put for key %q", request.GetKey())
	case errors.Is(err, fs.ErrNotExist):
		return &kvpb.GetResponse{}, nil
	default:
		return nil, status.Errorf(codes.Internal, "key %q: %v", request.GetKey(), err)
	}
}

// file is where the value of a key is. What a host sends is checked like all
// input: errors with a status code reach it as they are.
func file(key string) (string, error) {
	path := "kv_" + key
	if key == "" || len(key) > 200 || !filepath.IsLocal(path) || filepath.Base(path) != path {
		return "", status.Errorf(codes.InvalidArgument, "key %q cannot be stored, expected 1 to 200 bytes that make a file name", key)
	}
	return path, nil
}
