/* base/atomic.h - what threads share is read and written through these.
 *
 * They are the compiler's atomic operations with the memory order spelled out. In a build with
 * ROOST_MODEL each is a step of a model instead, which tries every interleaving of the threads of
 * a test (tests/model).
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

#define roosti_atomic_load(at, order) __atomic_load_n((at), (order))
#define roosti_atomic_store(at, value, order) __atomic_store_n((at), (value), (order))
/* These give what was there before. */
#define roosti_atomic_swap(at, value, order) __atomic_exchange_n((at), (value), (order))
#define roosti_atomic_add(at, value, order) __atomic_fetch_add((at), (value), (order))
#define roosti_atomic_sub(at, value, order) __atomic_fetch_sub((at), (value), (order))
#define roosti_atomic_or(at, value, order) __atomic_fetch_or((at), (value), (order))
#define roosti_atomic_and(at, value, order) __atomic_fetch_and((at), (value), (order))
/* Whether *at was *expected and is `value` now; else *expected is what was there. */
#define roosti_atomic_cas(at, expected, value, order)                                              \
    __atomic_compare_exchange_n((at), (expected), (value), 0, (order), __ATOMIC_RELAXED)
#define roosti_atomic_fence(order) __atomic_thread_fence(order)

#endif
