// bench/peers/tokio/src/main.rs - the suites `micro`, `tasks`, (sync.rs) `sync` and (echo.rs) `echo` on tokio, each case
// as a Rust programmer would write it.
//
// Called `prog CASE [N]`; prints `CASE METRIC VALUE`; `prog serve_echo` is a server. Every case runs on the
// current_thread runtime, tokio's fastest for work that stays on one core. Where tokio offers two ways the cheaper one
// is taken (a spawned task is joined by its own handle and not through a JoinSet), so that no ratio is flattered.
//
// SPDX-License-Identifier: MIT
mod echo;
mod sync;

use std::future::Future;
use std::hint::black_box;
use std::pin::{pin, Pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::{self, JoinSet};
use tokio::time;
use tokio_util::sync::CancellationToken;

const ARMED: usize = 100_000;

/// CPU time of the whole process, in ns.
fn cpu_ns() -> f64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: ts is a valid place for the answer.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    assert_eq!(rc, 0);
    ts.tv_sec as f64 * 1e9 + ts.tv_nsec as f64
}

fn report(name: &str, metric: &str, value: f64) {
    println!("{name} {metric} {value:.3}");
}

fn per_op(name: &str, start: f64, n: usize) {
    report(name, "ns_per_op", (cpu_ns() - start) / n as f64);
}

async fn yields(each: usize) {
    for _ in 0..each {
        task::yield_now().await;
    }
}

async fn yield_both(n: usize) {
    let a = tokio::spawn(yields(n / 2));
    let b = tokio::spawn(yields(n / 2));
    a.await.unwrap();
    b.await.unwrap();
}

async fn run_yield(name: &str, n: usize) {
    yield_both(n / 10).await;
    let start = cpu_ns();
    yield_both(n).await;
    per_op(name, start, n);
}

async fn spawn_join(n: usize) {
    for _ in 0..n {
        tokio::spawn(async {}).await.unwrap();
    }
}

async fn run_spawn_join(name: &str, n: usize) {
    spawn_join(n / 10).await;
    let start = cpu_ns();
    spawn_join(n).await;
    per_op(name, start, n);
}

/// Spawns n tasks that wait until they are cancelled, and returns when all of them wait.
async fn park(set: &mut JoinSet<()>, notify: &Arc<Notify>, n: usize) {
    let parked = Arc::new(AtomicUsize::new(0));
    for _ in 0..n {
        let (notify, parked) = (notify.clone(), parked.clone());
        set.spawn(async move {
            parked.fetch_add(1, Relaxed);
            notify.notified().await;
        });
    }
    while parked.load(Relaxed) < n {
        task::yield_now().await;
    }
}

async fn run_spawn_cold(name: &str, n: usize) {
    let (mut set, notify) = (JoinSet::new(), Arc::new(Notify::new()));
    park(&mut set, &notify, 1000).await;
    let start = cpu_ns();
    park(&mut set, &notify, n).await;
    per_op(name, start, n);
    set.shutdown().await;
}

async fn run_cancel_parked(name: &str, n: usize) {
    let (mut set, notify) = (JoinSet::new(), Arc::new(Notify::new()));
    park(&mut set, &notify, n).await;
    let start = Instant::now();
    set.shutdown().await;
    report(name, "total_ms", start.elapsed().as_nanos() as f64 / 1e6);
    assert!(set.is_empty());
}

#[inline(never)]
async fn ready() -> i32 {
    black_box(0)
}

async fn timeout_ready(n: usize) {
    for _ in 0..n {
        let rc = time::timeout(Duration::from_secs(1), ready()).await;
        assert_eq!(rc, Ok(0));
    }
}

async fn run_timeout_ready(name: &str, n: usize) {
    timeout_ready(n / 10).await;
    let start = cpu_ns();
    timeout_ready(n).await;
    per_op(name, start, n);
}

/// tokio cancels by dropping; a call that is refused is what CancellationToken adds to it.
async fn first_refusal(n: usize) {
    for _ in 0..n {
        let token = CancellationToken::new();
        token.cancel();
        assert!(token.run_until_cancelled(ready()).await.is_none());
    }
}

async fn run_first_refusal(name: &str, n: usize) {
    first_refusal(n / 10).await;
    let start = cpu_ns();
    first_refusal(n).await;
    per_op(name, start, n);
}

/// Spread over 10 to 100 s, the same in every run.
fn deadlines(n: usize) -> Vec<Duration> {
    let mut state = 88172645463325252u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Duration::from_secs(10) + Duration::from_nanos(state % 90_000_000_000)
    };
    (0..n).map(|_| next()).collect()
}

/// A tokio timer is armed by its first poll and cancelled when it is dropped.
fn arm(now: time::Instant, after: Duration) -> Pin<Box<time::Sleep>> {
    let mut sleep = Box::pin(time::sleep_until(now + after));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(sleep.as_mut().poll(&mut cx).is_pending());
    sleep
}

fn arm_cancel(now: time::Instant, after: &[Duration], n: usize) {
    let mut cx = Context::from_waker(Waker::noop());
    for i in 0..n {
        let sleep = pin!(time::sleep_until(now + after[i % after.len()]));
        assert!(sleep.poll(&mut cx).is_pending());
    }
}

async fn run_timer(name: &str, n: usize) {
    let now = time::Instant::now();
    let timers: Vec<_> = deadlines(ARMED).into_iter().map(|d| arm(now, d)).collect();
    let after = deadlines(1024);
    arm_cancel(now, &after, n / 10);
    let start = cpu_ns();
    arm_cancel(now, &after, n);
    per_op(name, start, n);
    assert!(timers.iter().all(|t| !t.is_elapsed()));
}

/// Reads one "Vm...:  123 kB" line of the process's own status.
fn status_bytes(key: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|l| l.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

/// Starts count tasks that sleep for ms, and weighs the process while all of them do.
async fn run_sleeping(name: &str, count: usize, ms: usize) {
    let d = Duration::from_millis(ms as u64);
    let (asleep, awake) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (rss, tables) = (status_bytes("VmRSS:"), status_bytes("VmPTE:"));
    let (begin, cpu) = (Instant::now(), cpu_ns());
    let mut set = JoinSet::new();
    for _ in 0..count {
        let (asleep, awake) = (asleep.clone(), awake.clone());
        set.spawn(async move {
            asleep.fetch_add(1, Relaxed);
            time::sleep(d).await;
            awake.fetch_add(1, Relaxed);
        });
    }
    while asleep.load(Relaxed) < count {
        task::yield_now().await;
    }
    let cpu = cpu_ns() - cpu;
    let (rss, tables) = (status_bytes("VmRSS:") - rss, status_bytes("VmPTE:") - tables);
    assert_eq!(
        awake.load(Relaxed),
        0,
        "the sleep is too short: a task woke before all were asleep"
    );
    while set.join_next().await.is_some() {}
    let done = begin.elapsed() - d;
    assert_eq!(awake.load(Relaxed), count);
    report(name, "bytes_per_task", rss / count as f64);
    report(name, "page_table_bytes_per_task", tables / count as f64);
    report(name, "create_ns", cpu / count as f64);
    report(name, "done_s", done.as_secs_f64());
}

const CASES: [(&str, usize); 16] = [
    ("yield", 5_000_000),
    ("spawn_join", 5_000_000),
    ("spawn_cold", 50_000),
    ("timeout_ready", 10_000_000),
    ("timer_arm_cancel_100000", 2_000_000),
    ("cancel_parked_100000", 100_000),
    ("first_refusal", 5_000_000),
    ("sleeping_100000", 2_000),
    ("sleeping_1000000", 8_000),
    ("channel_pingpong", 5_000_000),
    ("mutex_uncontended", 20_000_000),
    ("semaphore_64_8", 3_000_000),
    ("cross_loop_roundtrip", 100_000),
    ("to_thread_roundtrip", 100_000),
    ("gather_10000", 1_000_000),
    ("select_4", 2_000_000),
];

async fn run(name: &str, n: usize) {
    match name {
        "yield" => run_yield(name, n).await,
        "spawn_join" => run_spawn_join(name, n).await,
        "spawn_cold" => run_spawn_cold(name, n).await,
        "timeout_ready" => run_timeout_ready(name, n).await,
        "timer_arm_cancel_100000" => run_timer(name, n).await,
        "cancel_parked_100000" => run_cancel_parked(name, n).await,
        "first_refusal" => run_first_refusal(name, n).await,
        "sleeping_100000" => run_sleeping(name, 100_000, n).await,
        "sleeping_1000000" => run_sleeping(name, 1_000_000, n).await,
        "channel_pingpong" => sync::channel_pingpong(name, n).await,
        "mutex_uncontended" => sync::mutex_uncontended(name, n).await,
        "semaphore_64_8" => sync::semaphore_64_8(name, n).await,
        "cross_loop_roundtrip" => sync::cross_loop_roundtrip(name, n).await,
        "to_thread_roundtrip" => sync::to_thread_roundtrip(name, n).await,
        "gather_10000" => sync::gather_10000(name, n).await,
        "select_4" => sync::select_4(name, n).await,
        _ => unreachable!(),
    }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.len() < 2 {
        CASES.iter().for_each(|(name, n)| println!("{name} {n}"));
        return;
    }
    if args[1] == "serve_echo" {
        // In a task of its own, as the cases below.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async { tokio::spawn(echo::serve()).await.unwrap() }).unwrap();
        return;
    }
    let Some(&(name, n)) = CASES.iter().find(|c| c.0 == args[1]) else {
        eprintln!("there is no case {}", args[1]);
        std::process::exit(2);
    };
    let n = args.get(2).map_or(n, |a| a.parse().expect("N must be a number"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    // The case runs in a task of its own: block_on's own future is woken by a slower path.
    runtime.block_on(async { tokio::spawn(run(name, n.max(10))).await.unwrap() });
}
