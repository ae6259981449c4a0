"""bench/serve_suite.py - suites whose programs are servers that one client drives.

A server prints `listening PORT` when it can be connected to, and ends by SIGTERM. It runs on the
last core this process may use, the client on another; the client reads the server's meters and
prints `CASE METRIC VALUE`. What a server is makes no difference here: `run.py` sees a program.

SPDX-License-Identifier: MIT
"""
import functools
import os
import resource
import select
import subprocess

from programs import (BENCH, OUT, Missing, bench_python, build_asyncio, build_go, build_ours,
                      build_tokio, build_uvloop, command)

READY_SECONDS_MAX = 20
CLIENT_SECONDS_MAX = 60
END_SECONDS_MAX = 10


def compiled(name, source, *libraries):
    """A C program of one file."""
    program = OUT / name
    command(["gcc", "-std=gnu17", "-O3", "-D_GNU_SOURCE", f"-I{BENCH}", str(BENCH / source),
             "-o", str(program), *libraries])
    return [str(program)]


@functools.lru_cache(maxsize=None)
def build_client(suite):
    return compiled(f"{suite}_client", f"{suite}/client.c")


def build_libuv(suite):
    try:
        return compiled("libuv", f"peers/libuv/{suite}.c", "-luv")
    except Missing as why:
        if "uv.h" in str(why):
            raise Missing("libuv is not installed (tools/setup-bench.sh)") from None
        raise


def build_python(suite, *flags):
    check = build_uvloop if "--uvloop" in flags else build_asyncio
    check(suite)
    return [bench_python(), str(BENCH / "peers" / "asyncio" / f"{suite}_peer.py"), *flags]


# roost's own server stands here twice: what `ours` is runs on io_uring.
BUILDERS = {
    "roost": build_ours,
    "roost_epoll": build_ours,
    "raw_epoll": lambda _: compiled("raw_epoll", "floor/raw_epoll.c"),
    "raw_uring": lambda _: compiled("raw_uring", "floor/raw_uring.c"),
    "libuv": build_libuv,
    "go": lambda suite: [*build_go(suite), f"serve_{suite}"],
    "tokio": lambda suite: [*build_tokio(suite), f"serve_{suite}"],
    "asyncio": build_python,
    "uvloop": lambda suite: build_python(suite, "--uvloop"),
}
BACKENDS = {"roost": "uring", "roost_epoll": "epoll"}


def allow_files():
    """As many descriptors as this process may have; its children inherit that."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Server:
    """roost or a peer: how to run it under load, or why not."""

    def __init__(self, name, suite, sizes):
        self.name = name
        self.sizes = sizes
        self.argv = []
        self.client = []
        self.why = None
        allow_files()
        try:
            self.argv = BUILDERS[name](suite)
            self.client = build_client(suite)
        except Missing as missing:
            self.why = str(missing)

    def sample(self, case, divisor, _cpus):
        """One server, one run of the client: {metric: value}."""
        if self.why:
            raise Missing(self.why)
        cpus = sorted(os.sched_getaffinity(0))
        backend = {"ROOST_BACKEND": BACKENDS[self.name]} if self.name in BACKENDS else {}
        with subprocess.Popen(self.argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env={**os.environ, **backend},
                              preexec_fn=pin(cpus[-1])) as server:
            try:
                port = self.await_ready(server)
                # On a machine with one core they share it.
                return self.drive(case, server.pid, port, self.sizes[case] // divisor, cpus[0])
            finally:
                end(server)

    def await_ready(self, server):
        """The port, from the line that says that the server listens."""
        ready, _, _ = select.select([server.stdout], [], [], READY_SECONDS_MAX)
        words = server.stdout.readline().split() if ready else []
        if len(words) != 2 or words[0] != b"listening":
            raise Missing(f"{self.name} did not say that it listens")
        return words[1].decode()

    def drive(self, case, pid, port, ms, cpu):
        text = command([*self.client, case, str(pid), port, str(ms)], timeout=CLIENT_SECONDS_MAX,
                       preexec_fn=pin(cpu))
        values = {}
        for line in text.splitlines():
            _, metric, value = line.split(maxsplit=2)
            if metric == "missing":
                raise Missing(value)
            values[metric] = float(value)
        return values


def pin(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def end(server):
    server.terminate()
    try:
        server.wait(END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        server.kill()
