"""bench/peers/asyncio/sync_peer.py - the suite `sync` on asyncio; on uvloop with --uvloop.

Called `sync_peer.py [--uvloop] CASE [N]`; prints `CASE METRIC VALUE`.

SPDX-License-Identifier: MIT
"""
import asyncio
import sys
import threading
import time

from peer import main, per_op, report


async def echo(there, back, n):
    for _ in range(n):
        await back.put(await there.get() + 1)


async def ping_pong(n):
    there, back = asyncio.Queue(1), asyncio.Queue(1)
    task = asyncio.create_task(echo(there, back, n))
    value = 0
    for _ in range(n):
        await there.put(value)
        value = await back.get()
    await task
    assert value == n


async def run_channel(name, n):
    async def hops(n):
        await ping_pong(n // 2)

    await per_op(name, n, hops)


async def run_mutex(name, n):
    lock = asyncio.Lock()

    async def locks(n):
        for _ in range(n):
            async with lock:
                pass

    await per_op(name, n, locks)


async def run_semaphore(name, n):
    async def worker(permits, n):
        for _ in range(n):
            async with permits:
                await asyncio.sleep(0)

    async def workers(n):
        permits = asyncio.Semaphore(8)
        async with asyncio.TaskGroup() as tg:
            for _ in range(64):
                tg.create_task(worker(permits, n // 64))

    await per_op(name, n, workers)


async def wall_per_op(name, n, work):
    """per_op by the clock on the wall: what two threads do together takes time of both."""
    await work(n // 10 + 1)
    start = time.monotonic_ns()
    await work(n)
    report(name, "ns_per_op", (time.monotonic_ns() - start) / n)


async def run_cross_loop(name, n):
    """A second loop on a thread of its own; calls go over and their results come back."""
    other = asyncio.new_event_loop()
    thread = threading.Thread(target=other.run_forever)
    thread.start()

    async def increment(value):
        return value + 1

    async def round_trips(n):
        value = 0
        for _ in range(n):
            call = asyncio.run_coroutine_threadsafe(increment(value), other)
            value = await asyncio.wrap_future(call)
        assert value == n

    await wall_per_op(name, n, round_trips)
    other.call_soon_threadsafe(other.stop)
    thread.join()
    other.close()


async def run_to_thread(name, n):
    async def round_trips(n):
        for i in range(n):
            assert await asyncio.to_thread(abs, i) == i

    await wall_per_op(name, n, round_trips)


async def give(value):
    return value


async def run_gather(name, n):
    async def gathers(n):
        for _ in range(0, n, 10_000):
            got = await asyncio.gather(*[give(i) for i in range(10_000)])
            assert len(got) == 10_000 and got[-1] == 9_999

    await per_op(name, n, gathers)


async def run_select(name, n):
    """There is no select over queues: a getter task for each, kept from one round to the next."""
    async def select(n):
        queues = [asyncio.Queue(1) for _ in range(4)]

        async def sender():
            for i in range(n):
                await queues[i & 3].put(i)

        task = asyncio.create_task(sender())
        getters = {asyncio.create_task(q.get()): q for q in queues}
        received = total = 0
        while received < n:
            done, _ = await asyncio.wait(getters, return_when=asyncio.FIRST_COMPLETED)
            for getter in done:
                total += getter.result()
                received += 1
                queue = getters.pop(getter)
                getters[asyncio.create_task(queue.get())] = queue
        assert total == n * (n - 1) // 2
        for getter in getters:
            getter.cancel()
        await task

    await per_op(name, n, select)


CASES = {
    "channel_pingpong": (run_channel, 200_000),
    "mutex_uncontended": (run_mutex, 1_000_000),
    "semaphore_64_8": (run_semaphore, 128_000),
    "cross_loop_roundtrip": (run_cross_loop, 10_000),
    "to_thread_roundtrip": (run_to_thread, 10_000),
    "gather_10000": (run_gather, 100_000),
    "select_4": (run_select, 50_000),
}


if __name__ == "__main__":
    main(sys.argv[1:], CASES)
