//go:build unix

package bridge_test

import (
	"google.golang.org/grpc"
	"google.golang.org/grpc/reflection"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha" // what older children serve
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// onlyChild is a service whose descriptor no other part of the test binary
// has: who can tell what it looks like has asked the child.
const onlyChild = "only.child.Service"

// registerReflection adds the reflection that a child has, if any.
func registerReflection(server *grpc.Server, kind string) {
	options := reflection.ServerOptions{Services: childServices{server}, DescriptorResolver: childFiles()}
	switch kind {
	case "v1":
		reflectionv1.RegisterServerReflectionServer(server, reflection.NewServerV1(options))
	case "v1alpha":
		reflectionv1alpha.RegisterServerReflectionServer(server, reflection.NewServer(options))
	case "hung":
		reflectionv1.RegisterServerReflectionServer(server, hungReflection{})
	}
}

// childServices lists onlyChild beside what is registered.
type childServices struct{ server *grpc.Server }

func (s childServices) GetServiceInfo() map[string]grpc.ServiceInfo {
	all := s.server.GetServiceInfo()
	all[onlyChild] = grpc.ServiceInfo{}
	return all
}

// hungReflection never answers.
type hungReflection struct {
	reflectionv1.UnimplementedServerReflectionServer
}

func (hungReflection) ServerReflectionInfo(stream reflectionv1.ServerReflection_ServerReflectionInfoServer) error {
	<-stream.Context().Done()
	return stream.Context().Err()
}

func childFiles() *protoregistry.Files {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("only/child.proto"), Package: proto.String("only.child"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("Nothing")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name: proto.String("Service"),
			Method: []*descriptorpb.MethodDescriptorProto{{
				Name: proto.String("Do"), InputType: proto.String(".only.child.Nothing"), OutputType: proto.String(".only.child.Nothing"),
			}},
		}},
	}, nil)
	if err != nil {
		panic(err)
	}
	files := new(protoregistry.Files)
	if err := files.RegisterFile(file); err != nil {
		panic(err)
	}
	return files
}
