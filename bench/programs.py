"""bench/programs.py - how the programs of the suites are built: roost's, the floors', the peers'.

A builder takes the suite's name and returns the command line, or raises Missing, which says why
there is none.

SPDX-License-Identifier: MIT
"""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
OUT = ROOT / "build" / "bench"


class Missing(Exception):
    """A program that cannot be built or run, or a case it has no notion of; says why."""


def command(args, **kwargs):
    """Runs a tool to its end; Missing with its last words when that fails."""
    tool = pathlib.Path(args[0]).name
    try:
        done = subprocess.run(args, capture_output=True, text=True, check=False, **kwargs)
    except FileNotFoundError:
        raise Missing(f"{tool} is not installed (tools/setup-bench.sh)") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"{tool} did not end within {kwargs['timeout']} s") from None
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        errors = [w for w in words if "error: " in w or "Error: " in w]
        text = (errors or words[-1:])[0].replace(str(ROOT) + os.sep, "").strip()
        raise Missing(f"{tool} ended with {done.returncode}: {text[:200]}")
    return done.stdout


def build_ours(suite):
    build = ROOT / "build" / "bench" / "roost"
    # As it is installed. A directory that was configured otherwise is told so.
    command(["cmake", "--preset", "release", "-B", str(build), "-DROOST_HARDEN=ON",
             "-DROOST_BUILD_TESTS=OFF", "-DROOST_BUILD_EXAMPLES=OFF"], cwd=ROOT)
    command(["cmake", "--build", str(build), "--target", f"bench_{suite}"], cwd=ROOT)
    return [str(build / "bench" / f"bench_{suite}")]


def build_floor(_suite):
    # Without its SLP pass gcc does not join two pointer stores of the run queue by way of a vector
    # register, which would double the cost of a switch.
    program = OUT / "floor"
    command(["gcc", "-std=gnu17", "-O3", "-fno-tree-slp-vectorize", "-D_GNU_SOURCE", f"-I{BENCH}",
             str(BENCH / "floor" / "floor.c"), "-o", str(program)])
    return [str(program)]


def build_condvar(_suite):
    program = OUT / "condvar"
    command(["gcc", "-std=gnu17", "-O3", "-D_GNU_SOURCE", f"-I{BENCH}",
             str(BENCH / "peers" / "condvar" / "peer.c"), "-o", str(program), "-pthread"])
    return [str(program)]


def build_boost_context(_suite):
    program = OUT / "boost_context"
    command(["g++", "-std=gnu++17", "-O3", "-D_GNU_SOURCE", f"-I{BENCH}",
             str(BENCH / "peers" / "boost_context" / "peer.cpp"), "-o", str(program),
             "-lboost_context"])
    return [str(program)]


def build_go(_suite):
    program = OUT / "go"
    command(["go", "build", "-o", str(program), "."], cwd=BENCH / "peers" / "go")
    return [str(program)]


def build_tokio(_suite):
    target = OUT / "tokio"
    command(["cargo", "build", "--release", "--locked", "--quiet"],
            cwd=BENCH / "peers" / "tokio", env={**os.environ, "CARGO_TARGET_DIR": str(target)})
    return [str(target / "release" / "peer")]


def bench_python():
    """The interpreter of both Python peers: the venv's where there is one."""
    venv = OUT / "venv" / "bin" / "python"
    return str(venv) if venv.exists() else "python3"


def build_asyncio(suite):
    python = bench_python()
    command([python, "-c", "import asyncio; asyncio.timeout, asyncio.TaskGroup"])
    script = "sync_peer.py" if suite == "sync" else "peer.py"
    return [python, str(BENCH / "peers" / "asyncio" / script)]


def build_uvloop(suite):
    try:
        command([bench_python(), "-c", "import uvloop"])
    except Missing:
        raise Missing("uvloop is not installed (tools/setup-bench.sh)") from None
    return [*build_asyncio(suite), "--uvloop"]


BUILDERS = {
    "floor": build_floor, "go": build_go, "tokio": build_tokio, "asyncio": build_asyncio,
    "uvloop": build_uvloop, "boost_context": build_boost_context, "condvar": build_condvar,
}
