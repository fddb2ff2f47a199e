package bridge

import (
	"context"
	"errors"
	"math"
	"net"
	"sync"
	"time"

	"github.com/jhump/protoreflect/v2/grpcreflect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// schemaWait bounds a question to the child's reflection, its start included.
const schemaWait = 5 * time.Second

// hungTime is how long a child that did not answer such a question in time is not
// asked again.
const hungTime = time.Minute

// childSchema is what the child's own reflection tells, v1 or v1alpha. A child
// without reflection has nothing to tell.
type childSchema struct {
	dial func(context.Context) (net.Conn, error)
	open func() context.Context // ends when nothing may be asked any more

	mu   sync.Mutex
	conn *grpc.ClientConn // nil until the first question
	hung time.Time        // when the child last failed to answer
}

// ServiceNames lists the child's services.
func (s *childSchema) ServiceNames() []string {
	names, err := ask(s, func(client *grpcreflect.Client) ([]protoreflect.FullName, error) { return client.ListServices() })
	if err != nil {
		return nil
	}
	list := make([]string, len(names))
	for i, name := range names {
		list[i] = string(name)
	}
	return list
}

// FindFileByPath finds a file that the child's reflection knows.
func (s *childSchema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return ask(s, func(client *grpcreflect.Client) (protoreflect.FileDescriptor, error) {
		return client.FileByFilename(path)
	})
}

// FindDescriptorByName finds a symbol that the child's reflection knows.
func (s *childSchema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return ask(s, func(client *grpcreflect.Client) (protoreflect.Descriptor, error) {
		return client.AsResolver().FindDescriptorByName(name)
	})
}

// ask puts one question to the child's reflection. Every failure means that
// the child does not know.
func ask[T any](s *childSchema, question func(*grpcreflect.Client) (T, error)) (T, error) {
	var none T
	conn := s.connection()
	if conn == nil {
		return none, protoregistry.NotFound
	}
	ctx, cancel := context.WithTimeout(s.open(), schemaWait)
	defer cancel()
	client := grpcreflect.NewClientAuto(ctx, conn)
	defer client.Reset()
	answer, err := question(client)
	if err != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.hung = time.Now()
		}
		return none, protoregistry.NotFound
	}
	return answer, nil
}

// connection is for questions alone. It is nil if there is nobody to ask.
func (s *childSchema) connection() *grpc.ClientConn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.hung) < hungTime || s.open().Err() != nil {
		return nil
	}
	if s.conn == nil {
		s.conn, _ = grpc.NewClient("passthrough:///localhost", // fails only for options that contradict each other
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return s.dial(ctx) }),
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
	}
	return s.conn
}

// close ends the connection, after the child.
func (s *childSchema) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
	}
}

// programSchema is that of the present life.
type programSchema struct{ lives *lives }

func (s programSchema) present() *childSchema {
	child, _ := s.lives.present()
	return &child.schema
}

// ServiceNames lists the program's services.
func (s programSchema) ServiceNames() []string { return s.present().ServiceNames() }

// FindFileByPath finds a file that the program's reflection knows.
func (s programSchema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	return s.present().FindFileByPath(path)
}

// FindDescriptorByName finds a symbol that the program's reflection knows.
func (s programSchema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	return s.present().FindDescriptorByName(name)
}
