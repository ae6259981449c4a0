// bench/peers/tokio/src/sync.rs - the suite `sync` on tokio: channels, locks, semaphores, gathering, selecting, threads.
//
// SPDX-License-Identifier: MIT
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{channel, Receiver, Sender};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::{self, JoinSet};

use super::{cpu_ns, per_op, report};

async fn echo(mut from: Receiver<u64>, to: Sender<u64>) {
    while let Some(v) = from.recv().await {
        to.send(v + 1).await.unwrap();
    }
}

async fn bounce(to: Sender<u64>, mut from: Receiver<u64>, n: usize) {
    let mut v = 0;
    for _ in 0..n {
        to.send(v).await.unwrap();
        v = from.recv().await.unwrap();
    }
    assert_eq!(v, n as u64);
}

async fn ping_pong(n: usize) {
    let (there, back) = (channel(1), channel(1));
    let echo = tokio::spawn(echo(there.1, back.0));
    bounce(there.0, back.1, n).await;
    echo.await.unwrap();
}

pub async fn channel_pingpong(name: &str, n: usize) {
    ping_pong(n / 20).await;
    let start = cpu_ns();
    ping_pong(n / 2).await;
    per_op(name, start, n);
}

pub async fn mutex_uncontended(name: &str, n: usize) {
    let mutex = Mutex::new(0u64);
    let start = cpu_ns();
    for _ in 0..n {
        *mutex.lock().await += 1;
    }
    per_op(name, start, n);
    assert_eq!(*mutex.lock().await, n as u64);
}

async fn semaphore(n: usize) {
    let permits = Arc::new(Semaphore::new(8));
    let mut set = JoinSet::new();
    for _ in 0..64 {
        let permits = permits.clone();
        set.spawn(async move {
            for _ in 0..n / 64 {
                let _permit = permits.acquire().await.unwrap();
                task::yield_now().await;
            }
        });
    }
    while set.join_next().await.is_some() {}
}

pub async fn semaphore_64_8(name: &str, n: usize) {
    semaphore(n / 10).await;
    let start = cpu_ns();
    semaphore(n).await;
    per_op(name, start, n);
}

/// Two runtimes of one thread each, and channels between them.
pub async fn cross_loop_roundtrip(name: &str, n: usize) {
    let (there, back) = (channel(1), channel(1));
    let thread = std::thread::spawn(move || {
        Builder::new_current_thread().build().unwrap().block_on(echo(there.1, back.0));
    });
    let mut back = back.1;
    let mut round = async |n: usize| {
        for v in 0..n as u64 {
            there.0.send(v).await.unwrap();
            assert_eq!(back.recv().await, Some(v + 1));
        }
    };
    round(n / 10).await;
    let start = Instant::now();
    round(n).await;
    report(name, "ns_per_op", start.elapsed().as_nanos() as f64 / n as f64);
    drop(there.0);
    thread.join().unwrap();
}

async fn to_thread(n: usize) {
    for i in 0..n {
        assert_eq!(task::spawn_blocking(move || i).await.unwrap(), i);
    }
}

pub async fn to_thread_roundtrip(name: &str, n: usize) {
    to_thread(n / 10).await;
    let start = Instant::now();
    to_thread(n).await;
    report(name, "ns_per_op", start.elapsed().as_nanos() as f64 / n as f64);
}

async fn gather(n: usize) {
    for _ in 0..n.div_ceil(10_000) {
        let handles: Vec<_> = (0..10_000u64).map(|i| tokio::spawn(async move { i })).collect();
        let mut sum = 0;
        for handle in handles {
            sum += handle.await.unwrap();
        }
        assert_eq!(sum, 49_995_000);
    }
}

pub async fn gather_10000(name: &str, n: usize) {
    gather(n / 10).await;
    let start = cpu_ns();
    gather(n).await;
    per_op(name, start, n);
}

async fn select(n: usize) {
    let (ta, mut a) = channel(1);
    let (tb, mut b) = channel(1);
    let (tc, mut c) = channel(1);
    let (td, mut d) = channel(1);
    let sender = tokio::spawn(async move {
        for i in 0..n {
            let to = [&ta, &tb, &tc, &td][i & 3];
            to.send(i).await.unwrap();
        }
    });
    let mut sum = 0;
    for _ in 0..n {
        sum += tokio::select! {
            Some(v) = a.recv() => v,
            Some(v) = b.recv() => v,
            Some(v) = c.recv() => v,
            Some(v) = d.recv() => v,
        };
    }
    assert_eq!(sum, n * (n - 1) / 2);
    sender.await.unwrap();
}

pub async fn select_4(name: &str, n: usize) {
    select(n / 10).await;
    let start = cpu_ns();
    select(n).await;
    per_op(name, start, n);
}
