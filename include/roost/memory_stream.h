/* roost/memory_stream.h - two streams that are joined in memory.
 *
 * What one end writes the other end reads: a connection without a network, for tests and between
 * the parts of a program. It holds a bounded number of bytes each way; who writes more waits until
 * the other end has read. Closing an end ends the stream for the other one, aborting it is a reset.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MEMORY_STREAM_H
#define ROOST_MEMORY_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>

/* Bytes each way when no capacity is given. */
#define ROOST_MEMORY_CAPACITY 65536

/* Zero means default. */
typedef struct roost_memory_opts {
    size_t capacity; /* most bytes under way in one direction; default ROOST_MEMORY_CAPACITY */
    bool lockstep;   /* a write returns only when the other end has read all of it */
} roost_memory_opts;

ROOST_BEGIN_DECLS

/**
 * roost_memory_pair - make two streams that are joined.
 *
 *   opts      NULL: defaults.
 *   a         gives one end, release with roost_stream_close; written on success only.
 *   b         gives the other.
 *
 * An end that was aborted is -ECONNRESET to the other's calls, and what was under way is dropped;
 * writing to an end that was closed is -EPIPE.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM.
 * Threads   any; both ends belong to one loop.
 */
ROOST_API ROOST_MUST int roost_memory_pair(const roost_memory_opts *opts, roost_stream **a,
                                           roost_stream **b);

ROOST_END_DECLS

#endif
