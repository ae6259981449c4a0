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
#else
#define ROOST_BEGIN_DECLS
#define ROOST_END_DECLS
#endif

/* Part of the library's interface. */
#define ROOST_API __attribute__((visibility("default")))

/* The result says whether the call worked: reading it is not optional. */
#define ROOST_MUST __attribute__((warn_unused_result))

/* Does not come back. */
#define ROOST_NORETURN __attribute__((noreturn))

/* May suspend the running task: to be called from tasks, and never with a lock of threads held. */
#define ROOST_SUSPENDS

#define ROOST_PRINTF(at, first) __attribute__((format(printf, at, first)))

/* Runs roost_NAME_cleanup(&variable) when the variable's block is left, by whatever path. */
#define ROOST_AUTO(name) __attribute__((cleanup(roost_##name##_cleanup)))

/* Internal: joins two names after expanding them, and makes a name that occurs once per file. */
#define ROOST_JOIN_(a, b) a##b
#define ROOST_JOIN(a, b) ROOST_JOIN_(a, b)
#define ROOST_UNIQUE(stem) ROOST_JOIN(stem, __COUNTER__)

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
