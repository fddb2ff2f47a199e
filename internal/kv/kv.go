// Package kv is the plugin that the program carries in itself: the key-value
// service of go-plugin's gRPC example, equal to it on the wire (proto.KV), so
// that the example's own host can use it.
package kv

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/pyvider/rpcplugin/internal/wirename"
	"github.com/pyvider/rpcplugin/pkg/handshake"
	"github.com/pyvider/rpcplugin/proto/kvpb"
)

// ServiceName is the service on the wire.
const ServiceName = "proto.KV"

// maxKey keeps a file name within what file systems take.
const maxKey = 200

// Cookie returns the cookie of go-plugin's example host.
func Cookie() handshake.Cookie { return handshake.Cookie{Key: "BASIC_PLUGIN", Value: "hello"} }

func onWire() wirename.Rename { return wirename.Rename{From: "rpcplugin.kv", To: "proto"} }

// Store keeps values in files named kv_KEY of one directory, as the example
// does, so that a value outlives the plugin that stored it.
type Store struct {
	kvpb.UnimplementedKVServer

	dir string
}

// NewStore returns a Store of the directory; "" is the working directory.
func NewStore(dir string) *Store { return &Store{dir: dir} }

// Register adds the service to r under its name on the wire.
func (s *Store) Register(r grpc.ServiceRegistrar) {
	r.RegisterService(onWire().ServiceDesc(kvpb.KV_ServiceDesc), s)
}

// Get serves the reading of a key: NotFound for one that was never put.
func (s *Store) Get(_ context.Context, request *kvpb.GetRequest) (*kvpb.GetResponse, error) {
	path, err := s.path(request.GetKey())
	if err != nil {
		return nil, err
	}
	value, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, status.Errorf(codes.NotFound, "no value was put for key %q", request.GetKey())
	}
	if err != nil {
		return nil, status.Errorf(codes.Internal, "key %q: %v", request.GetKey(), err)
	}
	return &kvpb.GetResponse{Value: value}, nil
}

// Put serves the writing of a key. A reader sees the old value or the new one.
func (s *Store) Put(_ context.Context, request *kvpb.PutRequest) (*kvpb.Empty, error) {
	path, err := s.path(request.GetKey())
	if err != nil {
		return nil, err
	}
	if err := replaceFile(path, request.GetValue()); err != nil {
		return nil, status.Errorf(codes.Internal, "key %q: %v", request.GetKey(), err)
	}
	return &kvpb.Empty{}, nil
}

// path refuses keys that are no plain file name.
func (s *Store) path(key string) (string, error) {
	if key == "" || len(key) > maxKey || !filepath.IsLocal(key) || filepath.Base(key) != key || strings.ContainsRune(key, 0) {
		return "", status.Errorf(codes.InvalidArgument,
			"key %q cannot be stored, expected 1 to %d bytes that make a file name", key, maxKey)
	}
	return filepath.Join(s.dir, "kv_"+key), nil
}

// replaceFile writes beside path and renames.
func replaceFile(path string, data []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".kv_*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(data)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// Schema answers reflection for the service under its name on the wire.
type Schema struct{}

// ServiceNames lists the one service.
func (Schema) ServiceNames() []string { return []string{ServiceName} }

// FindFileByPath finds the service's file.
func (Schema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	files, err := descriptors()
	if err != nil {
		return nil, err
	}
	return files.FindFileByPath(path)
}

// FindDescriptorByName finds the service and its messages.
func (Schema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	files, err := descriptors()
	if err != nil {
		return nil, err
	}
	return files.FindDescriptorByName(name)
}

func descriptors() (*protoregistry.Files, error) {
	file, err := onWire().File(kvpb.File_rpcplugin_kv_kv_proto)
	if err != nil {
		return nil, err
	}
	files := new(protoregistry.Files)
	return files, files.RegisterFile(file)
}
