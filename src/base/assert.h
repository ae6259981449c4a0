/* base/assert.h - our invariants and the caller's contract.
 *
 * roosti_assert guards what roost itself promises: checked in builds with ROOST_CHECKED.
 * roosti_require guards what the caller promised (right thread, object still alive): always
 * checked; it names the function and the rule, then aborts.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BASE_ASSERT_H
#define ROOST_BASE_ASSERT_H

_Noreturn void roosti_abort_rule(const char *kind, const char *rule, const char *file, int line,
                                 const char *function);

#define roosti_require(condition, rule)                                                            \
    ((void)(__builtin_expect(!!(condition), 1) ||                                                  \
            (roosti_abort_rule("contract", (rule), __FILE__, __LINE__, __func__), 0)))

#ifdef ROOST_CHECKED
#define roosti_assert(condition)                                                                   \
    ((void)(__builtin_expect(!!(condition), 1) ||                                                  \
            (roosti_abort_rule("invariant", #condition, __FILE__, __LINE__, __func__), 0)))
#else
#define roosti_assert(condition) ((void)sizeof(!!(condition)))
#endif

#define roosti_likely(condition) __builtin_expect(!!(condition), 1)
#define roosti_unlikely(condition) __builtin_expect(!!(condition), 0)

/* The struct that holds this member. */
#define roosti_container(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
