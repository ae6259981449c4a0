"""bench/peers/asyncio/peer.py - the suites `micro` and `tasks` on asyncio; on uvloop with --uvloop.

Called `peer.py [--uvloop] CASE [N]`; prints `CASE METRIC VALUE`. Each case is written as a Python
programmer would write it, with timeout() and TaskGroup of 3.11. Where there are two ways the
cheaper one is taken (a task that is joined at once needs no TaskGroup), so that no ratio is
flattered.

SPDX-License-Identifier: MIT
"""
import asyncio
import sys
import time

ARMED = 100_000


def report(name, metric, value):
    print(f"{name} {metric} {value:.3f}")


async def per_op(name, n, work):
    """Warms up with a tenth of the work, then measures all of it in CPU time of the process."""
    await work(n // 10 + 1)
    start = time.process_time_ns()
    await work(n)
    report(name, "ns_per_op", (time.process_time_ns() - start) / n)


async def yields(n):
    for _ in range(n):
        await asyncio.sleep(0)


async def run_yield(name, n):
    async def both(n):
        async with asyncio.TaskGroup() as tg:
            tg.create_task(yields(n // 2))
            tg.create_task(yields(n // 2))

    await per_op(name, n, both)


async def nothing():
    pass


async def run_spawn_join(name, n):
    async def spawn_join(n):
        for _ in range(n):
            await asyncio.create_task(nothing())

    await per_op(name, n, spawn_join)


class Stop(Exception):
    """Leaves a TaskGroup and cancels what is in it."""


async def park(tg, n):
    """Starts n tasks that wait until they are cancelled, and returns when all of them wait.

    Each waits for a future of its own: one Event for all would take quadratic time to cancel.
    """
    parked = 0

    async def wait():
        nonlocal parked
        parked += 1
        await asyncio.Future()

    for _ in range(n):
        tg.create_task(wait())
    while parked < n:
        await asyncio.sleep(0)


async def run_spawn_cold(name, n):
    try:
        async with asyncio.TaskGroup() as tg:
            await park(tg, 1000)
            start = time.process_time_ns()
            await park(tg, n)
            report(name, "ns_per_op", (time.process_time_ns() - start) / n)
            raise Stop
    except* Stop:
        pass


async def run_cancel_parked(name, n):
    start = 0
    try:
        async with asyncio.TaskGroup() as tg:
            await park(tg, n)
            start = time.monotonic_ns()
            raise Stop
    except* Stop:
        report(name, "total_ms", (time.monotonic_ns() - start) / 1e6)


async def run_timeout_ready(name, n):
    async def timeout_ready(n):
        for _ in range(n):
            async with asyncio.timeout(1):
                await nothing()

    await per_op(name, n, timeout_ready)


async def run_first_refusal(name, n):
    task = asyncio.current_task()

    async def first_refusal(n):
        for _ in range(n):
            task.cancel()
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                task.uncancel()
            else:
                raise AssertionError("not refused")

    await per_op(name, n, first_refusal)


def deadlines(n):
    """Spread over 10 to 100 s, the same in every run."""
    state, mask, out = 88172645463325252, (1 << 64) - 1, []
    for _ in range(n):
        state ^= state << 13 & mask
        state ^= state >> 7
        state ^= state << 17 & mask
        out.append(10 + state % 90_000_000_000 / 1e9)
    return out


async def run_timer(name, n):
    loop, after = asyncio.get_running_loop(), deadlines(1024)
    fired = []
    timers = [loop.call_later(d, fired.append, 1) for d in deadlines(ARMED)]

    async def arm_cancel(n):
        for i in range(n):
            loop.call_later(after[i % 1024], fired.append, 1).cancel()
            # Both loops leave work behind for their next turn; it belongs to the cost of a cancel.
            if i % 1024 == 0:
                await asyncio.sleep(0)

    await per_op(name, n, arm_cancel)
    assert not fired
    for t in timers:
        t.cancel()


def status_bytes(key):
    with open("/proc/self/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))


async def run_sleeping(name, count, ms):
    """Starts count tasks that sleep for ms, and weighs the process while all of them do."""
    asleep = awake = 0

    async def sleeper():
        nonlocal asleep, awake
        asleep += 1
        await asyncio.sleep(ms / 1000)
        awake += 1

    rss, tables = status_bytes("VmRSS"), status_bytes("VmPTE")
    begin, cpu = time.monotonic(), time.process_time_ns()
    async with asyncio.TaskGroup() as tg:
        for _ in range(count):
            tg.create_task(sleeper())
        while asleep < count:
            await asyncio.sleep(0)
        cpu = time.process_time_ns() - cpu
        rss, tables = status_bytes("VmRSS") - rss, status_bytes("VmPTE") - tables
        if awake:
            sys.exit("the sleep is too short: a task woke before all were asleep")
    done = time.monotonic() - begin - ms / 1000
    assert awake == count
    report(name, "bytes_per_task", rss / count)
    report(name, "page_table_bytes_per_task", tables / count)
    report(name, "create_ns", cpu / count)
    report(name, "done_s", done)


async def run_sleeping_100000(name, ms):
    await run_sleeping(name, 100_000, ms)


CASES = {
    "yield": (run_yield, 500_000),
    "spawn_join": (run_spawn_join, 150_000),
    "spawn_cold": (run_spawn_cold, 50_000),
    "timeout_ready": (run_timeout_ready, 200_000),
    "timer_arm_cancel_100000": (run_timer, 300_000),
    "cancel_parked_100000": (run_cancel_parked, 100_000),
    "first_refusal": (run_first_refusal, 300_000),
    "sleeping_100000": (run_sleeping_100000, 3_000),
}


def main(args, cases):
    run = asyncio.run
    if args and args[0] == "--uvloop":
        import uvloop

        run, args = uvloop.run, args[1:]
    if not args:
        for name, (_, n) in cases.items():
            print(name, n)
        return
    if args[0] not in cases:
        sys.exit(f"there is no case {args[0]}")
    case, n = cases[args[0]]
    if len(args) > 1:
        n = int(args[1])
    run(case(args[0], n))


if __name__ == "__main__":
    main(sys.argv[1:], CASES)
