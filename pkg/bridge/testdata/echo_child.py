"""The whole contract of a child: serve gRPC, without TLS, at RPCPLUGIN_CHILD_ADDRESS."""

import logging
import os
import sys
from concurrent import futures

import grpc

UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
    asked = dict(context.invocation_metadata()).get("do")
    if asked == "raise":
        raise ValueError("no cheese")
    if asked == "exit":
        print("going", file=sys.stderr)
        os._exit(3)
    context.set_trailing_metadata((("x-language", "python"), ("x-raw-bin", b"\x00\xff")))
    return request


def bidi(requests, context: grpc.ServicerContext):
    yield from requests


def main() -> None:
    logging.basicConfig()
    print("python prints")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=UNLIMITED)
    server.add_generic_rpc_handlers([
        grpc.method_handlers_generic_handler(
            "rpcplugin.test.Echo",
            {
                "Unary": grpc.unary_unary_rpc_method_handler(unary),
                "Bidi": grpc.stream_stream_rpc_method_handler(bidi),
            },
        )
    ])
    server.add_insecure_port(os.environ["RPCPLUGIN_CHILD_ADDRESS"])
    server.start()
    server.wait_for_termination()


main()
