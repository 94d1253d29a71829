"""Starts the sandbox Stripe: `python -m sandbox.stripe --port N --file PATH`."""

import argparse
import random
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from sandbox.stripe.server import ADDRESS, SandboxServer
from sandbox.stripe.store import Store
from sandbox.stripe.work import Sandbox


def main(arguments: list[str]) -> int:
    given = _read(arguments)
    if given.host not in (ADDRESS, "localhost"):
        print(
            f"The sandbox Stripe listens on {ADDRESS} only, never on {given.host}.",
            file=sys.stderr,
        )
        return 2
    store = Store(given.file)
    chance: random.Random = random.SystemRandom()
    if given.seed is not None:
        chance = random.Random(f"{given.seed}:{store.count()}")
    sandbox = Sandbox(store, merchant=given.merchant, chance=chance)
    try:
        server = SandboxServer(sandbox, given.port)
    except OSError as error:
        print(f"Port {given.port} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    port = server.server_address[1]
    sandbox.public_url = (given.public_url or f"http://{ADDRESS}:{port}").rstrip("/")
    _stop_on_signal(server)
    print(f"Sandbox Stripe on http://{ADDRESS}:{port}, no real money.", flush=True)
    server.work_until_stopped()
    return 0


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox.stripe")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--file", type=Path, required=True, help="its own SQLite file")
    parser.add_argument("--host", default=ADDRESS)
    parser.add_argument("--public-url", help="how browsers reach it")
    parser.add_argument("--merchant", default="Sandbox merchant")
    parser.add_argument("--seed", help="makes ids repeatable")
    return parser.parse_args(arguments)


def _stop_on_signal(server: SandboxServer) -> None:
    def stop(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for the serving loop, which is the thread we are in.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
