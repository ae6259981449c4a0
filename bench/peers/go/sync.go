// bench/peers/go/sync.go - the suite `sync` in Go: channels, locks, semaphores, gathering and selecting.
//
// Channels without a buffer are taken, for the hand-over to a waiting receiver is Go's fastest way. A semaphore is a
// buffered channel, as Go programmers write it.
//
// SPDX-License-Identifier: MIT
package main

import (
	"runtime"
	"sync"
	"time"
)

func pingPong(n int, lock bool) {
	there, back := make(chan int64), make(chan int64)
	go func() {
		if lock {
			runtime.LockOSThread()
		}
		for v := range there {
			back <- v + 1
		}
		close(back)
	}()
	v := int64(0)
	for i := 0; i < n; i++ {
		there <- v
		v = <-back
	}
	close(there)
	<-back
	if v != int64(n) {
		panic("lost")
	}
}

func runChannel(name string, n int) {
	perOp(name, n, func(n int) { pingPong(n/2, false) })
}

func runMutex(name string, n int) {
	var mu sync.Mutex
	perOp(name, n, func(n int) {
		for i := 0; i < n; i++ {
			mu.Lock()
			mu.Unlock() //nolint:staticcheck // an empty section is what is measured
		}
	})
}

func runSemaphore(name string, n int) {
	perOp(name, n, func(n int) {
		permits := make(chan struct{}, 8)
		var wg sync.WaitGroup
		wg.Add(64)
		for i := 0; i < 64; i++ {
			go func() {
				for k := 0; k < n/64; k++ {
					permits <- struct{}{}
					runtime.Gosched()
					<-permits
				}
				wg.Done()
			}()
		}
		wg.Wait()
	})
}

// wallPerOp is perOp by the clock on the wall: what two threads do together takes time of both.
func wallPerOp(name string, n int, work func(n int)) {
	work(n/10 + 1)
	start := time.Now()
	work(n)
	report(name, "ns_per_op", float64(time.Since(start).Nanoseconds())/float64(n))
}

// runCrossLoop: two goroutines, each on a thread of its own.
func runCrossLoop(name string, n int) {
	runtime.GOMAXPROCS(2)
	runtime.LockOSThread()
	wallPerOp(name, n, func(n int) { pingPong(n, true) })
}

func runGather(name string, n int) {
	var wg sync.WaitGroup
	perOp(name, n, func(n int) {
		for ; n > 0; n -= 10000 {
			wg.Add(10000)
			for i := 0; i < 10000; i++ {
				go wg.Done()
			}
			wg.Wait()
		}
	})
}

func runSelect(name string, n int) {
	perOp(name, n, func(n int) {
		a, b, c, d := make(chan int), make(chan int), make(chan int), make(chan int)
		go func() {
			for i := 0; i < n; i++ {
				switch i & 3 {
				case 0:
					a <- i
				case 1:
					b <- i
				case 2:
					c <- i
				case 3:
					d <- i
				}
			}
		}()
		sum := 0
		for i := 0; i < n; i++ {
			select {
			case v := <-a:
				sum += v
			case v := <-b:
				sum += v
			case v := <-c:
				sum += v
			case v := <-d:
				sum += v
			}
		}
		if sum != n*(n-1)/2 {
			panic("lost")
		}
	})
}
