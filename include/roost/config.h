/* roost/config.h - version, linkage and the attribute names every public header uses.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_CONFIG_H
#define ROOST_CONFIG_H

#define ROOST_VERSION_MAJOR 0
#define ROOST_VERSION_MINOR 1
#define ROOST_VERSION_PATCH 0
#define ROOST_VERSION_STRING "0.1.0"

#ifdef __cplusplus
#define ROOST_BEGIN_DECLS extern "C" {
#define ROOST_END_DECLS }
#define ROOST_EXTERN_C extern "C"
#else
#define ROOST_BEGIN_DECLS
#define ROOST_END_DECLS
#define ROOST_EXTERN_C extern
#endif

/* Part of the library's interface. */
#define ROOST_API __attribute__((visibility("default")))

/* The result says whether the call worked: reading it is not optional. */
#define ROOST_MUST __attribute__((warn_unused_result))

/* Does not come back. */
#define ROOST_NORETURN __attribute__((noreturn))

/* What clang's -Wthread-safety holds a program to: functions that may suspend are called from tasks
 * only, a run is never begun inside another, and no lock of threads that the program has named is
 * held over a suspension. Name them before the first include of roost, as globals declared by then:
 *
 *     extern app_mutex cache_mutex;
 *     #define ROOST_OS_LOCKS cache_mutex
 *
 * Put ROOST_SUSPENDS before your own functions that suspend and are not made by ROOST_ASYNC. */
#if defined(__clang__)
#define ROOST_SAFETY_(...) __attribute__((__VA_ARGS__))
#else
#define ROOST_SAFETY_(...)
#endif
#ifdef ROOST_OS_LOCKS
#define ROOST_LOCKS_FREE_ ROOST_SAFETY_(locks_excluded(ROOST_OS_LOCKS))
#else
#define ROOST_LOCKS_FREE_
#endif
#define ROOST_SUSPENDS ROOST_SAFETY_(requires_capability(roost_in_task)) ROOST_LOCKS_FREE_
/* Blocks the thread until a run is over: not to be called from tasks. */
#define ROOST_OUTSIDE ROOST_SAFETY_(locks_excluded(roost_in_task))
/* Internal: a function that is called in tasks and outside them. */
#define ROOST_UNCHECKED_ ROOST_SAFETY_(no_thread_safety_analysis)

/* The capability of being in a task; it exists for the compiler alone. */
struct ROOST_SAFETY_(capability("role")) roost_role {
    char unused;
};
extern struct roost_role roost_in_task;

#define ROOST_PRINTF(at, first) __attribute__((format(printf, at, first)))

/* Runs roost_NAME_cleanup(&variable) when the variable's block is left, by whatever path. */
#define ROOST_AUTO(name) __attribute__((cleanup(roost_##name##_cleanup)))

/* Internal: what stands before { } in a value of this type. */
#ifdef __cplusplus
#define ROOST_LITERAL_(type) type
#else
#define ROOST_LITERAL_(type) (type)
#endif

/* Internal: what a function returns refers to this argument. */
#if defined(__clang__) && defined(__cplusplus)
#define ROOST_LIFETIME_BOUND_ [[clang::lifetimebound]]
#else
#define ROOST_LIFETIME_BOUND_
#endif

/* Internal: joins two names after expanding them, and makes a name that occurs once per file. */
#define ROOST_JOIN_(a, b) a##b
#define ROOST_JOIN(a, b) ROOST_JOIN_(a, b)
#define ROOST_UNIQUE(stem) ROOST_JOIN(stem, __COUNTER__)

/* Internal: the first of pointers to `type` in a list that ends with a comma; NULL when empty. */
#ifdef __cplusplus
#define ROOST_FIRST_(type, ...) roost_impl_first<type>({__VA_ARGS__ nullptr})
template <class type, unsigned long n>
inline const type *roost_impl_first(const type *const (&list)[n])
{
    return list[0];
}
#else
#define ROOST_FIRST_(type, ...) (((const type *const[]){__VA_ARGS__ 0})[0])
#endif

ROOST_BEGIN_DECLS

/**
 * roost_version - the version of the library that is linked, as "MAJOR.MINOR.PATCH".
 *
 * Lends a static string.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_version(void);

ROOST_END_DECLS

#endif
