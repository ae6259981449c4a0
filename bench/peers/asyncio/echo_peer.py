"""bench/peers/asyncio/echo_peer.py - the echo server on asyncio; on uvloop with --uvloop.

On their streams. Prints `listening PORT`, then sends back what comes until SIGTERM ends it.

SPDX-License-Identifier: MIT
"""
import asyncio
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve():
    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=4096)
    print("listening", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if "--uvloop" in sys.argv[1:]:
    import uvloop
    uvloop.run(serve())
else:
    asyncio.run(serve())
