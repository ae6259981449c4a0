/* base/atomic.h - what threads share is read and written through these.
 *
 * They are the compiler's atomic operations with the memory order spelled out. A build of a model
 * (tests/model) names a header by ROOST_MODEL, with which each of them is a step of one of the
 * model's threads, whose interleavings are all tried.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BASE_ATOMIC_H
#define ROOST_BASE_ATOMIC_H

#define ROOSTI_RELAXED __ATOMIC_RELAXED
#define ROOSTI_ACQUIRE __ATOMIC_ACQUIRE
#define ROOSTI_RELEASE __ATOMIC_RELEASE
#define ROOSTI_ACQ_REL __ATOMIC_ACQ_REL
#define ROOSTI_SEQ_CST __ATOMIC_SEQ_CST

#ifdef ROOST_MODEL
#include ROOST_MODEL
#else

#define roosti_atomic_load(at, order) __atomic_load_n((at), (order))
#define roosti_atomic_store(at, value, order) __atomic_store_n((at), (value), (order))
/* These give what was there before. */
#define roosti_atomic_swap(at, value, order) __atomic_exchange_n((at), (value), (order))
#define roosti_atomic_add(at, value, order) __atomic_fetch_add((at), (value), (order))
#define roosti_atomic_sub(at, value, order) __atomic_fetch_sub((at), (value), (order))
#define roosti_atomic_or(at, value, order) __atomic_fetch_or((at), (value), (order))
#define roosti_atomic_and(at, value, order) __atomic_fetch_and((at), (value), (order))
/* Whether *at was *expected and is `value` now; else *expected is what was there, read in the order
 * failed, a relaxed one with the short form: what it points to must not be followed then. */
#define roosti_atomic_cas_or(at, expected, value, order, failed)                                   \
    __atomic_compare_exchange_n((at), (expected), (value), 0, (order), (failed))
#define roosti_atomic_cas(at, expected, value, order)                                              \
    roosti_atomic_cas_or(at, expected, value, order, ROOSTI_RELAXED)
#define roosti_atomic_fence(order) __atomic_thread_fence(order)
/* How often a thread looks at a word before it sleeps. In a model once is as good as ever. */
#define ROOSTI_LOOKS(count) (count)

#endif

/* Between a thread and its own signal handlers. */
#define roosti_atomic_signal_fence(order) __atomic_signal_fence(order)

#endif
