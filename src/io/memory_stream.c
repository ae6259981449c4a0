/* io/memory_stream.c - two streams that are joined in memory.
 *
 * Each end keeps a ring of the bytes that come to it. The reader of an end waits on that end, and
 * so does the writer that wants to put something into its ring, so that an end which goes finds
 * everybody who is to be told. A task is woken only when what it waits for holds, and nobody else
 * can use that up before it runs: there is one reader and one writer.
 *
 * In lockstep the writer stays until its bytes have left the ring. When it is cancelled before
 * that, it takes back what nobody has read, which is the newest part of the ring.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/memory_stream.h>

#include "base/mem.h"
#include "io/stream.h"

struct memory_end {
    roost_stream base;
    struct memory_end *peer; /* NULL: it has been closed */
    char *ring;              /* what comes to this end */
    size_t capacity;
    size_t head; /* the oldest byte; < capacity */
    size_t used;
    bool lockstep;
    bool over;                 /* the other end writes nothing more */
    bool reset;                /* the other end was aborted */
    struct roost_task *reader; /* parked until there is a byte, or an end of them */
    struct roost_task *feeder; /* the other end's writer, parked until there is room; in
                                * lockstep until there is nothing */
};

static struct memory_end *end_of(const roost_stream *stream)
{
    return roosti_container(stream, struct memory_end, base);
}

/* -- waiting ----------------------------------------------------------------------------------- */

static void wake_one(struct roost_task **place, int rc)
{
    struct roost_task *task = *place;
    if (!task)
        return;
    *place = NULL;
    roosti_wake(task, rc);
}

static bool wait_abort(struct roost_task *task)
{
    *(struct roost_task **)task->wait.on = NULL;
    return true;
}

/* Parks the running task in a place of an end. */
static int wait_in(struct roost_task **place, struct roost_task *self, const char *what)
{
    *place = self;
    return roosti_park(self, wait_abort, what, place);
}

/* -- the ring ---------------------------------------------------------------------------------- */

static size_t ring_put(struct memory_end *end, const char *data, size_t len)
{
    size_t room = end->capacity - end->used;
    size_t n = len < room ? len : room;
    size_t tail = end->head + end->used;
    tail -= tail >= end->capacity ? end->capacity : 0;
    size_t run = end->capacity - tail < n ? end->capacity - tail : n;
    memcpy(end->ring + tail, data, run);
    memcpy(end->ring, data + run, n - run);
    end->used += n;
    return n;
}

static size_t ring_take(struct memory_end *end, char *buf, size_t len)
{
    size_t n = len < end->used ? len : end->used;
    size_t run = end->capacity - end->head < n ? end->capacity - end->head : n;
    memcpy(buf, end->ring + end->head, run);
    memcpy(buf + run, end->ring, n - run);
    end->used -= n;
    end->head = end->used == 0 ? 0 : (end->head + n) % end->capacity;
    return n;
}

/* -- the kind ---------------------------------------------------------------------------------- */

static int64_t memory_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    struct memory_end *end = end_of(stream);
    if (end->used == 0 && !end->over && !end->reset) {
        if (!wait)
            return ROOST_EAGAIN;
        int rc = wait_in(&end->reader, stream->reader, "memory stream: a byte to read");
        if (rc < 0 || stream->closed)
            return rc < 0 ? rc : ROOST_ECLOSED;
    }
    if (end->reset)
        return -ECONNRESET;
    size_t n = ring_take(end, buf, len);
    if (n > 0 && (!end->lockstep || end->used == 0))
        wake_one(&end->feeder, 0);
    return (int64_t)n;
}

/* Why nothing can be written to the other end; 0: it can. */
static int memory_obstacle(const struct memory_end *end)
{
    if (end->base.closed)
        return ROOST_ECLOSED;
    return end->reset ? -ECONNRESET : !end->peer ? -EPIPE : 0;
}

static int64_t memory_put(struct memory_end *to, const roost_bytes *pieces, size_t count)
{
    size_t done = 0;
    for (size_t i = 0; i < count && to->used < to->capacity; i++)
        done += ring_put(to, pieces[i].data, pieces[i].len);
    wake_one(&to->reader, 0);
    return (int64_t)done;
}

/* Waits until the other end has read n bytes; n, or how many it read, or a code when none. When
 * this end is closed meanwhile, the other one keeps the bytes. */
static int64_t memory_in_step(struct memory_end *end, int64_t n)
{
    int rc = wait_in(&end->peer->feeder, end->base.writer, "memory stream: bytes to be read");
    int obstacle = memory_obstacle(end);
    if (obstacle < 0)
        return obstacle;
    if (end->peer->used > 0) {
        n -= (int64_t)end->peer->used;
        end->peer->used = 0;
        end->peer->head = 0;
    }
    return n > 0 ? n : rc;
}

static int64_t memory_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    struct memory_end *end = end_of(stream);
    int rc = memory_obstacle(end);
    if (rc < 0)
        return rc;
    if (end->peer->used == end->peer->capacity) {
        rc = wait_in(&end->peer->feeder, stream->writer, "memory stream: room to write");
        if (rc == 0)
            rc = memory_obstacle(end);
        if (rc < 0)
            return rc;
    }
    int64_t n = memory_put(end->peer, pieces, count);
    return end->lockstep ? memory_in_step(end, n) : n;
}

/* The other end gets nothing more from this one. */
static void memory_finish(struct memory_end *end)
{
    if (!end->peer || end->peer->over)
        return;
    end->peer->over = true;
    wake_one(&end->peer->reader, 0);
}

static int memory_write_end(roost_stream *stream)
{
    struct memory_end *end = end_of(stream);
    memory_finish(end);
    return 0;
}

static int memory_close(roost_stream *stream, bool in_order)
{
    struct memory_end *end = end_of(stream);
    struct memory_end *peer = end->peer;
    wake_one(&end->reader, ROOST_ECLOSED);
    if (peer) {
        wake_one(&peer->feeder, ROOST_ECLOSED); /* our own writer */
        peer->peer = end->peer = NULL;
        peer->reset = !in_order;
        peer->used = in_order ? peer->used : 0;
        peer->over = true;
        wake_one(&peer->reader, 0);
        wake_one(&end->feeder, 0); /* the other end's writer */
    }
    roosti_free(end->ring);
    end->ring = NULL;
    end->used = 0;
    return 0;
}

static size_t memory_unsent(const roost_stream *stream)
{
    const struct memory_end *end = end_of(stream);
    return end->peer ? end->peer->used : 0;
}

static const struct roost_impl_stream_ops memory_ops = {.kind = "memory",
                                                        .size = sizeof(struct memory_end),
                                                        .read = memory_read,
                                                        .write = memory_write,
                                                        .write_end = memory_write_end,
                                                        .close = memory_close,
                                                        .unsent = memory_unsent};

/* -- public ------------------------------------------------------------------------------------ */

static int end_open(const roost_memory_opts *opts, struct memory_end **ret_end)
{
    roost_stream *stream;
    int rc = roost_impl_stream_new(&memory_ops, &stream);
    if (rc < 0)
        return rc;
    struct memory_end *end = end_of(stream);
    end->capacity = opts && opts->capacity ? opts->capacity : ROOST_MEMORY_CAPACITY;
    end->lockstep = opts && opts->lockstep;
    end->ring = roosti_alloc(end->capacity, "bytes of a stream in memory");
    if (!end->ring) {
        roost_impl_stream_drop(stream);
        return ROOST_ENOMEM;
    }
    *ret_end = end;
    return 0;
}

int roost_memory_pair(const roost_memory_opts *opts, roost_stream **ret_a, roost_stream **ret_b)
{
    struct memory_end *a, *b;
    int rc = end_open(opts, &a);
    if (rc < 0)
        return rc;
    rc = end_open(opts, &b);
    if (rc < 0) {
        roost_stream_abort(&a->base);
        return rc;
    }
    a->peer = b;
    b->peer = a;
    *ret_a = &a->base;
    *ret_b = &b->base;
    return 0;
}
