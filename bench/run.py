#!/usr/bin/env python3
"""bench/run.py - runs a suite of benchmarks: roost beside its floor and its peers, interleaved.

    run.py SUITE [--json FILE] [--quick] [--rounds N] [--only CASE] [--save]

Prints one JSON object per line and comparison, and a table for people on the other channel. What
is measured and how stands in bench/METHOD.md. Needs only the standard library of Python 3.9.

SPDX-License-Identifier: MIT
"""
import argparse
import datetime
import json
import mmap
import os
import pathlib
import platform
import statistics
import sys

from programs import BENCH, BUILDERS, OUT, ROOT, Missing, bench_python, build_ours, command
from serve_suite import Server

RUN_SECONDS_MAX = 60
ROUNDS = 5

NS = ("ns_per_op",)
SLEEP = ("bytes_per_task", "create_ns", "done_s")
SERVE = ("cpu_us_per_req", "user_us_per_req", "req_per_s", "p99_us")
IDLE = ("bytes_per_conn",)
# Of these more is better, of all others less.
HIGHER = ("req_per_s",)
# What a server's client says about the sample itself; shares of the wall time.
CONDITIONS = ("server_busy", "server_waited", "client_busy")

# case: (metrics, what --quick divides the operations by, its rounds).
SUITES = {
    "micro": {
        "memory": 1 << 30,
        "peers": ("floor", "go", "tokio", "asyncio", "uvloop", "boost_context"),
        "cases": {
            "yield": (NS, 8, 5),
            "spawn_join": (NS, 8, 5),
            "spawn_cold": (NS, 1, 5),
            "timeout_ready": (NS, 8, 5),
            "timer_arm_cancel_100000": (NS, 8, 5),
            "cancel_parked_100000": (("total_ms",), 1, 3),
            "first_refusal": (NS, 8, 5),
        },
    },
    "sync": {
        "memory": 1 << 28,
        "peers": ("go", "tokio", "asyncio", "uvloop", "condvar"),
        "cases": {
            "channel_pingpong": (NS, 8, 5),
            "mutex_uncontended": (NS, 8, 5),
            "semaphore_64_8": (NS, 8, 5),
            "cross_loop_roundtrip": (NS, 4, 5),
            "to_thread_roundtrip": (NS, 4, 5),
            "gather_10000": (NS, 4, 5),
            "select_4": (NS, 8, 5),
        },
        # What two threads do together needs two processors.
        "wide": ("cross_loop_roundtrip", "to_thread_roundtrip"),
        "absent": {
            **{("condvar", case): "two threads have no tasks" for case in (
                "channel_pingpong", "mutex_uncontended", "semaphore_64_8", "gather_10000",
                "select_4")},
            ("go", "to_thread_roundtrip"): "a goroutine that blocks is on a thread already",
        },
    },
    "tasks": {
        "memory": 6 << 30,
        "peers": ("go", "tokio", "asyncio"),
        # A round takes as long as the tasks sleep, so a quick run has only one.
        "cases": {"sleeping_100000": (SLEEP, 1, 1), "sleeping_1000000": (SLEEP, 1, 1)},
        "absent": {("asyncio", "sleeping_1000000"): "measured at 100,000 tasks only"},
    },
    "echo": {
        "memory": 1 << 28,
        "peers": ("raw_epoll", "raw_uring", "roost_epoll", "libuv", "go", "tokio", "asyncio",
                  "uvloop"),
        "cases": {
            "echo_64": (SERVE, 5, 2),
            "echo_512": (SERVE, 5, 1),
            "echo_5000": (SERVE, 5, 1),
            "idle_10000": (IDLE, 5, 1),
        },
        # The programs are servers: for how many milliseconds each is under load.
        "serve_ms": {"echo_64": 1500, "echo_512": 1500, "echo_5000": 1500, "idle_10000": 1000},
    },
}


class Program:
    """roost or a peer: how to run it, or why not."""

    def __init__(self, name, build, suite):
        self.name = name
        self.argv = []
        self.sizes = {}
        self.why = None
        try:
            self.argv = build(suite)
            listing = command(self.argv, timeout=RUN_SECONDS_MAX)
            self.sizes = {case: int(n) for case, n in map(str.split, listing.splitlines())}
        except Missing as missing:
            self.why = str(missing)

    def sample(self, case, divisor, cpus):
        """One run of one case: {metric: value}."""
        if self.why:
            raise Missing(self.why)
        if case not in self.sizes:
            raise Missing(f"{self.name} has no case {case}")
        n = max(1, self.sizes[case] // divisor)
        text = command([*self.argv, case, str(n)], timeout=RUN_SECONDS_MAX,
                       preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        values = {}
        for line in text.splitlines():
            name, metric, value = line.split(maxsplit=2)
            if name == case and metric == "missing":
                raise Missing(value)
            if name == case:
                values[metric] = float(value)
        return values


def measure(programs, case, divisor, rounds, cpus):
    """Runs A B C A B C ...; returns {program: {metric: [samples]}} and {program: why not}."""
    samples = {p.name: {} for p in programs}
    missing = {}
    for turn in range(rounds):
        for p in programs:
            if p.name in missing:
                continue
            progress(f"{case} round {turn + 1} of {rounds}: {p.name}")
            try:
                for metric, value in p.sample(case, divisor, cpus).items():
                    samples[p.name].setdefault(metric, []).append(value)
            except Missing as why:
                missing[p.name] = str(why)
                samples[p.name] = {}
    progress("")
    return samples, missing


def spread(values):
    """(max - min) / median; None where there is nothing to compare."""
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if len(values) > 1 and middle else None


def rounded(value):
    return None if value is None else float(f"{value:.4g}")


def compare(suite, case, metric, peer, samples, missing):
    """One line of the result: ours beside one peer."""
    ours, theirs = samples["roost"].get(metric), samples[peer].get(metric)
    line = {"suite": suite, "case": case, "metric": metric,
            "ours": rounded(statistics.median(ours)) if ours else None, "peer": peer,
            "theirs": rounded(statistics.median(theirs)) if theirs else None,
            "ratio": None, "better": "higher" if metric in HIGHER else "lower", "spread": None}
    if ours and theirs and statistics.median(theirs):
        line["ratio"] = rounded(statistics.median(ours) / statistics.median(theirs))
    spreads = [s for s in (spread(v) for v in (ours, theirs) if v) if s is not None]
    if spreads:
        line["spread"] = rounded(max(spreads))
    for condition in CONDITIONS:
        pair = [samples[name].get(condition) for name in ("roost", peer)]
        if all(pair):
            line[condition] = [rounded(statistics.median(values)) for values in pair]
    for name in ("roost", peer):
        if not samples[name].get(metric):
            why = missing.get(name, f"printed no {metric}")
            line["missing"] = why if name == peer else f"roost: {why}"
    return line


def touch_memory(size):
    """Uses memory once before anybody is measured. The host of a virtual machine gives a page when
    it is first used, at several times the price of a page fault; the first program would pay."""
    available = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with mmap.mmap(-1, min(size, available // 2), mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as memory:
        for at in range(0, len(memory), mmap.PAGESIZE):
            memory[at] = 1


def run_suite(suite, options):
    table = SUITES[suite]
    cases = [c for c in table["cases"] if options.only in (None, c)]
    if not cases:
        sys.exit(f"run.py: suite {suite} has no case {options.only}")
    OUT.mkdir(parents=True, exist_ok=True)
    progress("building")
    if "serve_ms" in table:
        programs = [Server(p, suite, table["serve_ms"]) for p in ("roost", *table["peers"])]
    else:
        programs = [Program("roost", build_ours, suite)]
        programs += [Program(peer, BUILDERS[peer], suite) for peer in table["peers"]]
    progress("touching memory")
    touch_memory(table["memory"])
    cpus = sorted(os.sched_getaffinity(0))
    absent = table.get("absent", {})
    lines = []
    for case in cases:
        metrics, divisor, rounds = table["cases"][case]
        if not options.quick:
            divisor, rounds = 1, ROUNDS
        taking_part = [p for p in programs if (p.name, case) not in absent]
        pinned = set(cpus[-2:] if case in table.get("wide", ()) else cpus[-1:])
        samples, missing = measure(taking_part, case, divisor, options.rounds or rounds, pinned)
        for peer in table["peers"]:
            samples.setdefault(peer, {})
            missing.setdefault(peer, absent.get((peer, case), "printed no such metric"))
        for metric in metrics:
            for peer in table["peers"]:
                lines.append(compare(suite, case, metric, peer, samples, missing))
                print(json.dumps(lines[-1]), flush=True)
    return lines


def say(text, end="\n"):
    print(text, end=end, file=sys.stderr, flush=True)


def progress(text):
    """What is going on now, in one line that is written over; for a terminal only."""
    if sys.stderr.isatty():
        say(f"\r\x1b[K{text}", end="")


def show(lines):
    """The same for people: a row per case and metric, a column per peer."""
    rows = {}
    for line in lines:
        row = rows.setdefault((line["case"], line["metric"]), {"roost": line["ours"]})
        row[line["peer"]] = line["theirs"]
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    say(f"{'':40}" + "".join(f"{c:>14}" for c in columns))
    for (case, metric), row in rows.items():
        cells = ("-" if row.get(c) is None else f"{row[c]:.4g}" for c in columns)
        say(f"{case + ' ' + metric:40}" + "".join(f"{cell:>14}" for cell in cells))
    gaps = dict.fromkeys((line["case"], line["peer"], line["missing"]) for line in lines
                         if "missing" in line and not line["missing"].startswith("roost: "))
    gaps |= dict.fromkeys((line["case"], "roost", line["missing"][7:]) for line in lines
                          if line.get("missing", "").startswith("roost: "))
    for case, name, why in gaps:
        say(f"missing: {name}, {case}: {why}")


def first_line(args):
    try:
        return command(args).strip().splitlines()[0]
    except (Missing, IndexError):
        return None


def machine():
    """What the figures were taken on."""
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        models = [line.split(":", 1)[1].strip() for line in f if line.startswith("model name")]
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": models[0] if models else platform.machine(),
        "cpus": os.cpu_count(),
        "kernel": platform.release(),
        "gcc": first_line(["gcc", "--version"]),
        "go": first_line(["go", "version"]),
        "rustc": first_line(["rustc", "--version"]),
        "python": first_line([bench_python(), "--version"]),
        "commit": first_line(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]),
    }


def save(suite, lines):
    """Keeps the figures with the machine they were taken on under bench/results/."""
    about = machine()
    path = BENCH / "results" / f"{about['date']}-{suite}.json"
    path.parent.mkdir(exist_ok=True)
    results = ",\n".join("  " + json.dumps(line) for line in lines)
    path.write_text(f'{{"machine": {json.dumps(about, indent=1)},\n"results": [\n{results}\n]}}\n',
                    encoding="utf-8")
    say(f"saved {path.relative_to(ROOT)}")


def parse(args):
    parser = argparse.ArgumentParser(description="roost beside its floor and its peers")
    parser.add_argument("suite", choices=[*SUITES, "all"])
    parser.add_argument("--json", metavar="FILE", help="write the lines to FILE as well")
    parser.add_argument("--quick", action="store_true", help="under a minute, less exact")
    parser.add_argument("--rounds", type=int, metavar="N", help="default 5")
    parser.add_argument("--only", metavar="CASE")
    parser.add_argument("--save", action="store_true", help="keep the result in bench/results/")
    options = parser.parse_args(args)
    if options.rounds is not None and options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def main(args):
    options = parse(args)
    everything = []
    for suite in SUITES if options.suite == "all" else [options.suite]:
        lines = run_suite(suite, options)
        everything += lines
        show(lines)
        if options.save:
            save(suite, lines)
    if options.json:
        text = "".join(json.dumps(line) + "\n" for line in everything)
        pathlib.Path(options.json).write_text(text, encoding="utf-8")
    return 0 if all(line["ours"] is not None for line in everything) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
