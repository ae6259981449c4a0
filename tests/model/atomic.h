/* tests/model/atomic.h - what the operations of base/atomic.h are in a model: steps of its threads.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MODEL_ATOMIC_H
#define ROOST_MODEL_ATOMIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_change { MODEL_SWAP, MODEL_ADD, MODEL_SUB, MODEL_OR, MODEL_AND };

/* at: the word; what: its name in the source and the place of the operation, for reports. */
uint64_t model_load(const volatile void *at, size_t size, int order, const char *what);
void model_store(volatile void *at, size_t size, uint64_t value, int order, const char *what);
uint64_t model_change(volatile void *at, size_t size, enum model_change change, uint64_t value,
                      int order, const char *what);
/* failed: the order of the load when *at is not *expected, which is then written. */
bool model_cas(volatile void *at, size_t size, uint64_t *expected, uint64_t value, int order,
               int failed, const char *what);
void model_fence(int order, const char *what);

#define MODEL_TEXT_(line) #line
#define MODEL_TEXT(line) MODEL_TEXT_(line)
#define MODEL_WHAT(at) #at " at " __FILE__ ":" MODEL_TEXT(__LINE__)
#define MODEL_BITS(value) ((uint64_t)(uintptr_t)(value))

#define roosti_atomic_load(at, order)                                                              \
    ((__typeof__(*(at)))(uintptr_t)model_load((at), sizeof *(at), (order), MODEL_WHAT(at)))
#define roosti_atomic_store(at, value, order)                                                      \
    model_store((at), sizeof *(at), MODEL_BITS(value), (order), MODEL_WHAT(at))
#define MODEL_CHANGE(at, change, value, order)                                                     \
    __extension__({                                                                                \
        uint64_t before_ = model_change((at), sizeof *(at), (change), MODEL_BITS(value), (order),  \
                                        MODEL_WHAT(at));                                           \
        (__typeof__(*(at)))(uintptr_t)before_;                                                     \
    })
#define roosti_atomic_swap(at, value, order) MODEL_CHANGE(at, MODEL_SWAP, value, order)
#define roosti_atomic_add(at, value, order) MODEL_CHANGE(at, MODEL_ADD, value, order)
#define roosti_atomic_sub(at, value, order) MODEL_CHANGE(at, MODEL_SUB, value, order)
#define roosti_atomic_or(at, value, order) MODEL_CHANGE(at, MODEL_OR, value, order)
#define roosti_atomic_and(at, value, order) MODEL_CHANGE(at, MODEL_AND, value, order)
#define roosti_atomic_cas_or(at, expected, value, order, failed)                                   \
    __extension__({                                                                                \
        uint64_t seen_ = MODEL_BITS(*(expected));                                                  \
        bool done_ = model_cas((at), sizeof *(at), &seen_, MODEL_BITS(value), (order), (failed),   \
                               MODEL_WHAT(at));                                                    \
        if (!done_)                                                                                \
            *(expected) = (__typeof__(*(expected)))(uintptr_t)seen_;                               \
        done_;                                                                                     \
    })
#define roosti_atomic_cas(at, expected, value, order)                                              \
    roosti_atomic_cas_or(at, expected, value, order, ROOSTI_RELAXED)
#define roosti_atomic_fence(order) model_fence((order), MODEL_WHAT(fence))

/* A thread that looks again and sees the same does nothing that another schedule does not do. */
#define ROOSTI_LOOKS(count) 1

#endif
