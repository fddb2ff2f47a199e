"""A Terraform provider that keeps notes: text files in one directory.

It is a plain gRPC server for Terraform's plugin protocol 6. Whatever else makes
it a plugin (handshake, certificates, health, logs) is rpcplugin's work:

    rpcplugin serve --host terraform --exec python3 provider.py
"""

import hashlib
import json
import logging
import os
import re
import sys
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import msgpack
import tfplugin6_pb2 as pb
import tfplugin6_pb2_grpc as pb_grpc

log = logging.getLogger("notes")

UNKNOWN = msgpack.ExtType(0, b"")  # Terraform shows it as "(known after apply)"
UNLIMITED = [
    ("grpc.max_receive_message_length", -1),  # gRPC's own limit is 4 MiB
    ("grpc.max_send_message_length", -1),
]


def unpack(value: pb.DynamicValue) -> Any:
    """Return a value of Terraform's: None for null, ExtType for unknown."""
    return msgpack.unpackb(value.msgpack) if value.msgpack else json.loads(value.json)


def pack(value: Any) -> pb.DynamicValue:
    return pb.DynamicValue(msgpack=msgpack.packb(value))


def is_unknown(value: Any) -> bool:
    return isinstance(value, msgpack.ExtType)


def path(attribute: str) -> pb.AttributePath:
    return pb.AttributePath(steps=[pb.AttributePath.Step(attribute_name=attribute)])


def error(summary: str, detail: str, attribute: str | None = None) -> pb.Diagnostic:
    """Return an error for the user; with an attribute, Terraform shows its line."""
    return pb.Diagnostic(
        severity=pb.Diagnostic.ERROR,
        summary=summary,
        detail=detail,
        attribute=path(attribute) if attribute else None,
    )


def schema(**attributes: dict) -> pb.Schema:
    """Build a schema: each attribute's flags, and its type if it is no string."""
    block = pb.Schema.Block()
    for name, flags in attributes.items():
        kind = json.dumps(flags.pop("type", "string")).encode()
        block.attributes.add(name=name, type=kind, **flags)
    return pb.Schema(block=block)


class NotesProvider(pb_grpc.ProviderServicer):
    """The provider; its methods are Terraform's calls, in the order they come."""

    def __init__(self) -> None:
        self.directory = Path("notes")  # in the folder where Terraform was started

    # What there is.

    def GetMetadata(self, request, context):
        return pb.GetMetadata.Response(
            resources=[pb.GetMetadata.ResourceMetadata(type_name="notes_note")],
            data_sources=[pb.GetMetadata.DataSourceMetadata(type_name="notes_index")],
        )

    def GetProviderSchema(self, request, context):
        note = schema(
            title=dict(required=True, description="Name of the file. Replaces."),
            content=dict(required=True, description="Text of the note."),
            id=dict(computed=True, description="The title, once it is written."),
            sha256=dict(computed=True, description="Digest of the content."),
        )
        index = schema(
            prefix=dict(optional=True, description="What the titles start with."),
            titles=dict(computed=True, type=["list", "string"]),
        )
        return pb.GetProviderSchema.Response(
            provider=schema(directory=dict(optional=True)),
            resource_schemas={"notes_note": note},
            data_source_schemas={"notes_index": index},
        )

    def GetResourceIdentitySchemas(self, request, context):
        return pb.GetResourceIdentitySchemas.Response()

    # The provider block.

    def ValidateProviderConfig(self, request, context):
        return pb.ValidateProviderConfig.Response()

    def ConfigureProvider(self, request, context):
        directory = unpack(request.config)["directory"]
        if is_unknown(directory):
            detail = "It decides which notes exist, so it must be known when planning."
            problem = error("Unknown directory", detail, "directory")
            return pb.ConfigureProvider.Response(diagnostics=[problem])
        if directory is not None:
            self.directory = Path(directory)
        log.info("notes are kept in %s", self.directory.absolute())
        return pb.ConfigureProvider.Response()

    def StopProvider(self, request, context):
        return pb.StopProvider.Response()  # every call is short: let it finish

    # The resource "notes_note".

    def ValidateResourceConfig(self, request, context):
        title = unpack(request.config)["title"]
        problems = [] if is_unknown(title) else self.check_title(title)
        return pb.ValidateResourceConfig.Response(diagnostics=problems)

    def UpgradeResourceState(self, request, context):
        old = json.loads(request.raw_state.json)
        state = {name: old.get(name) for name in ("title", "content", "id", "sha256")}
        return pb.UpgradeResourceState.Response(upgraded_state=pack(state))

    def ImportResourceState(self, request, context):
        problems = self.check_title(request.id)
        if not problems and self.read(request.id) is None:
            problems = [error("No such note", f"No note has the title {request.id!r}.")]
        if problems:
            return pb.ImportResourceState.Response(diagnostics=problems)
        imported = pb.ImportResourceState.ImportedResource(
            type_name="notes_note", state=pack(self.read(request.id))
        )
        return pb.ImportResourceState.Response(imported_resources=[imported])

    def ReadResource(self, request, context):
        note = self.read(unpack(request.current_state)["title"])
        return pb.ReadResource.Response(new_state=pack(note))  # None: it is gone

    def PlanResourceChange(self, request, context):
        prior, planned = unpack(request.prior_state), unpack(request.proposed_new_state)
        replace = []
        if planned is not None:  # else it is to be destroyed
            old = prior or {}
            if planned["content"] != old.get("content"):
                planned["sha256"] = UNKNOWN
            if planned["title"] != old.get("title"):
                planned["id"] = UNKNOWN
                replace = [path("title")] if prior else []
        return pb.PlanResourceChange.Response(
            planned_state=pack(planned), requires_replace=replace
        )

    def ApplyResourceChange(self, request, context):
        prior, planned = unpack(request.prior_state), unpack(request.planned_state)
        try:
            if planned is None:
                self.file(prior["title"]).unlink(missing_ok=True)
                log.info("removed %s", prior["title"])
                return pb.ApplyResourceChange.Response(new_state=pack(None))
            self.write(planned["title"], planned["content"], create=prior is None)
            note = self.describe(planned["title"], planned["content"])
            return pb.ApplyResourceChange.Response(new_state=pack(note))
        except OSError as problem:  # what was there before is still there
            problems = [error("The note was not saved or removed", str(problem))]
            return pb.ApplyResourceChange.Response(
                new_state=request.prior_state, diagnostics=problems
            )

    # The data source "notes_index".

    def ValidateDataResourceConfig(self, request, context):
        return pb.ValidateDataResourceConfig.Response()

    def ReadDataSource(self, request, context):
        prefix = unpack(request.config)["prefix"]
        titles = sorted(file.stem for file in self.directory.glob("*.txt"))
        found = [title for title in titles if title.startswith(prefix or "")]
        state = {"prefix": prefix, "titles": found}
        return pb.ReadDataSource.Response(state=pack(state))

    # Notes, without a word of Terraform.

    def check_title(self, title: str) -> list[pb.Diagnostic]:
        if re.fullmatch(r"[a-z0-9][a-z0-9-]*", title):
            return []
        detail = f"{title!r} is not made of lower-case letters, digits and hyphens."
        return [error("Bad title", detail, "title")]

    def file(self, title: str) -> Path:
        return self.directory / f"{title}.txt"

    def write(self, title: str, content: str, create: bool) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.file(title).open("xb" if create else "wb") as file:
            file.write(content.encode())
        log.info("wrote %s, %d characters", title, len(content))

    def read(self, title: str) -> dict | None:
        try:
            content = self.file(title).read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return None
        return self.describe(title, content)

    def describe(self, title: str, content: str) -> dict:
        digest = hashlib.sha256(content.encode()).hexdigest()
        return {"title": title, "content": content, "id": title, "sha256": digest}


def serve(provider: pb_grpc.ProviderServicer, options: list = UNLIMITED) -> None:
    """Answer Terraform's calls at the address that rpcplugin gives, until killed."""
    address = os.environ.get("RPCPLUGIN_CHILD_ADDRESS")
    if not address:
        me = f"--exec python3 {sys.argv[0]}"
        sys.exit(f"start me so: rpcplugin serve --standalone --host terraform {me}")
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=10), options=options)
    pb_grpc.add_ProviderServicer_to_server(provider, server)
    server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    serve(NotesProvider())
