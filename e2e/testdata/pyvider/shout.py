"""A plugin made with pyvider-rpcplugin: e2e.Shout/Shout answers in capitals.

With SHOUT_VERIFY in the environment it insists on the host's certificate.
"""

import asyncio
import os
import sys

import grpc
from google.protobuf import wrappers_pb2
from pyvider.rpcplugin import plugin_server
from pyvider.rpcplugin.protocol.base import RPCPluginProtocol

SERVICE = "e2e.Shout"


class Shout:
    """What the plugin serves."""

    async def shout(self, request, context):
        text = request.value
        if text == "die":
            sys.stderr.write("the shouting is over\n")
            sys.stderr.flush()
            os._exit(5)
        if text.startswith("environment "):
            return wrappers_pb2.StringValue(value=os.environ.get(text.split()[1], "(unset)"))
        if text == "pid":
            return wrappers_pb2.StringValue(value=str(os.getpid()))
        return wrappers_pb2.StringValue(value=text.upper())

    async def echo(self, requests, context):
        async for request in requests:
            yield request


class Protocol(RPCPluginProtocol):
    service_name = SERVICE
    supported_protocol_versions = [1]

    async def get_grpc_descriptors(self):
        return None, SERVICE

    def get_method_type(self, method_name):
        return "unary_unary"

    async def add_to_server(self, server, handler):
        value = wrappers_pb2.StringValue
        codec = {"request_deserializer": value.FromString, "response_serializer": value.SerializeToString}
        server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    SERVICE,
                    {
                        "Shout": grpc.unary_unary_rpc_method_handler(handler.shout, **codec),
                        "Echo": grpc.stream_stream_rpc_method_handler(handler.echo, **codec),
                    },
                ),
            )
        )


async def main():
    config = {"PLUGIN_MAGIC_COOKIE_KEY": "BASIC_PLUGIN", "PLUGIN_MAGIC_COOKIE_VALUE": "hello"}
    if "SHOUT_VERIFY" in os.environ:
        config["PLUGIN_CLIENT_ROOT_CERTS"] = os.environ["PLUGIN_CLIENT_CERT"]
    await plugin_server(protocol=Protocol(), handler=Shout(), config=config).serve()


asyncio.run(main())
