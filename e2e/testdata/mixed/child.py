"""The child of the mixed calls in Python. mixed_child_test.go says what it does."""

import asyncio
import hashlib
import json
import os
import signal
import sys

import grpc

sys.path.insert(0, os.environ["MIXED_PROTO"])
messages, services = grpc.protos_and_services("test.proto")

totals = {
    "pid": os.getpid(), "open": 0, "calls": 0,
    "received": {"messages": 0, "bytes": 0, "check": 0},
    "sent": {"messages": 0, "bytes": 0, "check": 0},
}


class Tally:
    def __init__(self):
        self.messages, self.bytes, self.digest = 0, 0, hashlib.sha256()

    def add(self, message):
        self.messages += 1
        self.bytes += len(message.payload)
        self.digest.update(message.payload)
        return message

    def __str__(self):
        return f"{self.messages} {self.bytes} {self.digest.hexdigest()}"

    def count(self, sums):
        sums["messages"] += self.messages
        sums["bytes"] += self.bytes
        sums["check"] += int(self.digest.hexdigest()[:8], 16)


class Call:
    """What the kinds of calls have in common, as a context manager."""

    def __init__(self, context):
        self.context = context
        self.metadata = context.invocation_metadata()
        self.asked = dict(self.metadata)
        self.received, self.sent = Tally(), Tally()

    async def __aenter__(self):
        if "squeeze" in self.asked:
            self.context.set_compression(grpc.Compression.Gzip)
        self.back = tuple((key, value) for key, value in self.metadata if key.startswith("x-"))
        await self.context.send_initial_metadata(self.back)
        totals["open"] += 1
        return self

    async def take(self, message):
        self.received.add(message)
        if self.asked.get("do") == "hang":
            await asyncio.Event().wait()
        if message.delay_ms:
            await asyncio.sleep(message.delay_ms / 1000)
        if message.fail_code:
            self.context.set_trailing_metadata(self.back)
            code = next(c for c in grpc.StatusCode if c.value[0] == message.fail_code)
            await self.context.abort(code, message.payload.decode())

    async def __aexit__(self, kind, error, trace):
        totals["open"] -= 1
        if kind is not None:
            return
        if "counted" in self.asked:
            totals["calls"] += 1
            self.received.count(totals["received"])
            self.sent.count(totals["sent"])
        self.context.set_trailing_metadata(
            self.back + (("received", str(self.received)), ("sent", str(self.sent))))


class Echo(services.EchoServicer):
    async def Unary(self, request, context):
        if dict(context.invocation_metadata()).get("do") == "totals":
            return messages.Message(payload=json.dumps(totals).encode())
        async with Call(context) as call:
            await call.take(request)
            return call.sent.add(request)

    async def Server(self, request, context):
        async with Call(context) as call:
            await call.take(request)
            for _ in range(request.count):
                await context.write(call.sent.add(messages.Message(payload=request.payload)))

    async def Client(self, requests, context):
        async with Call(context) as call:
            payloads = []
            async for request in requests:
                await call.take(request)
                payloads.append(request.payload)
                if call.asked.get("do") == "early":
                    break
            return call.sent.add(messages.Message(payload=b"".join(payloads), count=len(payloads)))

    async def Bidi(self, requests, context):
        async with Call(context) as call:
            async for request in requests:
                await call.take(request)
                await context.write(call.sent.add(request))
                if call.asked.get("do") == "early":
                    break


async def main():
    server = grpc.aio.server(options=list(json.loads(os.environ["MIXED_OPTIONS"]).items()))
    services.add_EchoServicer_to_server(Echo(), server)
    server.add_insecure_port(os.environ["RPCPLUGIN_CHILD_ADDRESS"])
    await server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: asyncio.create_task(server.stop(0)))
    await server.wait_for_termination()


asyncio.run(main())
