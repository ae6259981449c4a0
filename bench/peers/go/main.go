// bench/peers/go/main.go - the suites `micro`, `tasks`, (sync.go) `sync` and (echo.go) `echo` in Go, each case as a Go
// programmer would write it.
//
// Called `prog CASE [N]`; prints `CASE METRIC VALUE`; `prog serve_echo` is a server. GOMAXPROCS is 1 in every case but
// cross_loop_roundtrip: the program is pinned to one core, and the scenario is one loop. Needs nothing but the standard
// library.
//
// SPDX-License-Identifier: MIT
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const armed = 100000

// cpuNs is the CPU time of the whole process (CLOCK_PROCESS_CPUTIME_ID), the garbage collector included.
func cpuNs() int64 {
	var ts syscall.Timespec
	const clockProcessCPU = 2
	if _, _, e := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockProcessCPU, uintptr(unsafe.Pointer(&ts)), 0); e != 0 {
		panic(e)
	}
	return ts.Sec*1e9 + ts.Nsec
}

func report(name, metric string, value float64) {
	fmt.Printf("%s %s %.3f\n", name, metric, value)
}

// perOp warms up with a tenth of the work, then measures all of it.
func perOp(name string, n int, work func(n int)) {
	work(n/10 + 1)
	start := cpuNs()
	work(n)
	report(name, "ns_per_op", float64(cpuNs()-start)/float64(n))
}

func runYield(name string, n int) {
	perOp(name, n, func(n int) {
		var wg sync.WaitGroup
		wg.Add(2)
		for i := 0; i < 2; i++ {
			go func() {
				for i := 0; i < n/2; i++ {
					runtime.Gosched()
				}
				wg.Done()
			}()
		}
		wg.Wait()
	})
}

func runSpawnJoin(name string, n int) {
	var wg sync.WaitGroup
	perOp(name, n, func(n int) {
		for i := 0; i < n; i++ {
			wg.Add(1)
			go wg.Done()
			wg.Wait()
		}
	})
}

// park starts n goroutines that wait for the context, and returns when all of them wait.
func park(ctx context.Context, wg *sync.WaitGroup, n int) {
	var parked atomic.Int64
	wg.Add(n)
	for i := 0; i < n; i++ {
		go func() {
			parked.Add(1)
			<-ctx.Done()
			wg.Done()
		}()
	}
	for parked.Load() < int64(n) {
		runtime.Gosched()
	}
}

func runSpawnCold(name string, n int) {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	park(ctx, &wg, 1000)
	start := cpuNs()
	park(ctx, &wg, n)
	report(name, "ns_per_op", float64(cpuNs()-start)/float64(n))
	cancel()
	wg.Wait()
}

func runCancelParked(name string, n int) {
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	park(ctx, &wg, n)
	start := time.Now()
	cancel()
	wg.Wait()
	report(name, "total_ms", float64(time.Since(start).Nanoseconds())/1e6)
}

// ready is an operation that need not wait: it looks at its context and returns.
//
//go:noinline
func ready(ctx context.Context) error {
	return ctx.Err()
}

func runTimeoutReady(name string, n int) {
	perOp(name, n, func(n int) {
		for i := 0; i < n; i++ {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			if err := ready(ctx); err != nil {
				panic(err)
			}
			cancel()
		}
	})
}

func runFirstRefusal(name string, n int) {
	perOp(name, n, func(n int) {
		for i := 0; i < n; i++ {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if ready(ctx) == nil {
				panic("not refused")
			}
		}
	})
}

// deadlines are spread over 10 to 100 s, the same in every run.
func deadlines(n int) []time.Duration {
	state := uint64(88172645463325252)
	out := make([]time.Duration, n)
	for i := range out {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		out[i] = 10*time.Second + time.Duration(state%90000000000)
	}
	return out
}

func runTimer(name string, n int) {
	nothing := func() {}
	timers := make([]*time.Timer, 0, armed)
	for _, d := range deadlines(armed) {
		timers = append(timers, time.AfterFunc(d, nothing))
	}
	after := deadlines(1024)
	perOp(name, n, func(n int) {
		for i := 0; i < n; i++ {
			time.AfterFunc(after[i%len(after)], nothing).Stop()
		}
	})
	for _, t := range timers {
		if !t.Stop() {
			panic("a timer fired during the measurement")
		}
	}
}

// statusBytes reads one "Vm...:  123 kB" line of the process's own status.
func statusBytes(key string) int64 {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(string(text), "\n") {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == key+":" {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib * 1024
		}
	}
	panic(key)
}

// sleeping starts count goroutines that sleep for n ms, and weighs the process while all of them do.
func sleeping(count int) func(name string, n int) {
	return func(name string, n int) {
		d := time.Duration(n) * time.Millisecond
		var wg sync.WaitGroup
		var asleep, awake atomic.Int64
		debug.FreeOSMemory()
		rss, tables := statusBytes("VmRSS"), statusBytes("VmPTE")
		begin, cpu := time.Now(), cpuNs()
		wg.Add(count)
		for i := 0; i < count; i++ {
			go func() {
				asleep.Add(1)
				time.Sleep(d)
				awake.Add(1)
				wg.Done()
			}()
		}
		for asleep.Load() < int64(count) {
			runtime.Gosched()
		}
		cpu = cpuNs() - cpu
		rss, tables = statusBytes("VmRSS")-rss, statusBytes("VmPTE")-tables
		if awake.Load() != 0 {
			fmt.Fprintln(os.Stderr, "the sleep is too short: a task woke before all were asleep")
			os.Exit(1)
		}
		wg.Wait()
		done := time.Since(begin) - d
		report(name, "bytes_per_task", float64(rss)/float64(count))
		report(name, "page_table_bytes_per_task", float64(tables)/float64(count))
		report(name, "create_ns", float64(cpu)/float64(count))
		report(name, "done_s", done.Seconds())
	}
}

type benchCase struct {
	name string
	run  func(name string, n int)
	n    int
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) == 2 && os.Args[1] == "serve_echo" {
		serveEcho()
	}
	cases := []benchCase{
		{"yield", runYield, 10000000},
		{"spawn_join", runSpawnJoin, 3000000},
		{"spawn_cold", runSpawnCold, 50000},
		{"timeout_ready", runTimeoutReady, 2000000},
		{"timer_arm_cancel_100000", runTimer, 4000000},
		{"cancel_parked_100000", runCancelParked, 100000},
		{"first_refusal", runFirstRefusal, 4000000},
		{"sleeping_100000", sleeping(100000), 2000},
		{"sleeping_1000000", sleeping(1000000), 8000},
		{"channel_pingpong", runChannel, 5000000},
		{"mutex_uncontended", runMutex, 50000000},
		{"semaphore_64_8", runSemaphore, 3000000},
		{"cross_loop_roundtrip", runCrossLoop, 100000},
		{"gather_10000", runGather, 1000000},
		{"select_4", runSelect, 3000000},
	}
	if len(os.Args) < 2 {
		for _, c := range cases {
			fmt.Println(c.name, c.n)
		}
		return
	}
	for _, c := range cases {
		if c.name == os.Args[1] {
			if len(os.Args) > 2 {
				n, err := strconv.Atoi(os.Args[2])
				if err != nil || n < 1 {
					fmt.Fprintln(os.Stderr, "N must be a number above 0")
					os.Exit(2)
				}
				c.n = n
			}
			c.run(c.name, c.n)
			return
		}
	}
	fmt.Fprintln(os.Stderr, "there is no case", os.Args[1])
	os.Exit(2)
}
