"""The notes provider of examples/python, which goes wrong where a test asks for it.

The content of a note says how its apply goes wrong:

    raise      a Python exception
    abort      the gRPC status FAILED_PRECONDITION, "quota is used up"
    exit       last words on stderr, then the process ends with status 3
    sleep 10   10 seconds pass once the file is written; StopProvider changes nothing
    big        sha256 is 70 MB long, in every call that returns it

The options say how the whole program does. Needs examples/python in PYTHONPATH
unless provider.py lies beside it or in the checkout.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

import grpc

sys.path.append(str(Path(__file__).resolve().parent / "../../../examples/python"))

import provider  # noqa: E402

BIG = 70_000_000


class Misbehaving(provider.NotesProvider):
    def __init__(self, chatter: bool) -> None:
        super().__init__()
        self.chatter = chatter

    def ApplyResourceChange(self, request, context):
        if self.chatter:
            print("applying a change")
        planned = provider.unpack(request.planned_state)
        trigger, *arguments = (planned["content"] if planned else "").split() or [""]
        if trigger == "raise":
            raise RuntimeError("the note asked for it")
        if trigger == "abort":
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, "quota is used up")
        if trigger == "exit":
            print("these are my last words", file=sys.stderr, flush=True)
            os._exit(3)
        response = super().ApplyResourceChange(request, context)
        if trigger == "sleep":
            print("sleeping in apply", file=sys.stderr, flush=True)
            time.sleep(float(arguments[0]) if arguments else 5)
        return response

    def StopProvider(self, request, context):
        print("asked to stop", file=sys.stderr, flush=True)
        return super().StopProvider(request, context)

    def describe(self, title: str, content: str) -> dict:
        note = super().describe(title, content)
        return note | {"sha256": "x" * BIG} if content == "big" else note


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--chatter", action="store_true", help="print on stdout")
    parser.add_argument("--delay", type=float, default=0, help="seconds before serving")
    parser.add_argument("--die", action="store_true", help="raise instead of serving")
    parser.add_argument(
        "--default-limits", action="store_true", help="keep gRPC's 4 MiB limit"
    )
    options = parser.parse_args()

    logging.basicConfig(level=logging.INFO)
    if options.chatter:
        print("this is no handshake line", flush=True)
    time.sleep(options.delay)
    if options.die:
        raise RuntimeError("cannot reach the database")
    limits = [] if options.default_limits else provider.UNLIMITED
    provider.serve(Misbehaving(options.chatter), limits)


if __name__ == "__main__":
    main()
