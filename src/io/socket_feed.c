/* io/socket_feed.c - what a socket receives, by one operation that stands.
 *
 * The lent buffer is given back before `done` returns, whoever reads or does not: the pool is small
 * and shared, and a connection whose task is busy elsewhere must not keep the others from
 * receiving.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/socket_feed.h"

#include <string.h>

#include "base/mem.h"
#include "rt/loop.h"
#include "rt/op.h"

/* Bytes kept for a reader who is busy; then the operation is ended until they are read. */
enum { KEPT_MAX = 65536, KEPT_MIN = 512 };

/* A read that waits; in its frame, for the feed may be gone when it runs again. */
struct feed_reader {
    struct roost_task *task;
    void *buf;
    size_t len;
    int64_t got;
};

struct roosti_feed {
    struct roosti_standing standing; /* the receive */
    struct roosti_loop *loop;
    struct feed_reader *reader; /* NULL: nobody waits */
    unsigned char *kept;        /* bytes from..to have not been read */
    size_t kept_size;
    size_t kept_from;
    size_t kept_to;
    int64_t end;  /* what the receive ended with, to be told behind what is kept; 1: nothing */
    bool armed;   /* the receive is in flight */
    bool pausing; /* it was asked to end because too much is kept */
    bool broken;  /* bytes were lost */
    bool closed;
};

enum { NO_END = 1 };

bool roosti_feed_pays(const struct roosti_loop *loop, int fd)
{
    /* In simulation both ways of receiving are met. */
    if (loop->virtual_time)
        return fd % 2 == 0;
    return strcmp(loop->port->ops->name, "uring") == 0;
}

/* -- keeping ----------------------------------------------------------------------------------- */

static size_t feed_take(struct roosti_feed *feed, void *buf, size_t len)
{
    size_t there = feed->kept_to - feed->kept_from;
    size_t n = there < len ? there : len;
    memcpy(buf, feed->kept + feed->kept_from, n);
    feed->kept_from += n;
    if (feed->kept_from == feed->kept_to) {
        roosti_free(feed->kept);
        feed->kept = NULL;
        feed->kept_size = feed->kept_from = feed->kept_to = 0;
    }
    return n;
}

static void feed_keep(struct roosti_feed *feed, const unsigned char *bytes, size_t len)
{
    if (feed->kept_size - feed->kept_to < len) {
        size_t size = feed->kept_size ? feed->kept_size * 2 : KEPT_MIN;
        while (size - feed->kept_to < len)
            size *= 2;
        unsigned char *kept = roosti_realloc(feed->kept, size, "bytes received");
        if (!kept) {
            feed->broken = true;
            return;
        }
        feed->kept = kept;
        feed->kept_size = size;
    }
    memcpy(feed->kept + feed->kept_to, bytes, len);
    feed->kept_to += len;
}

/* -- receiving --------------------------------------------------------------------------------- */

static void reader_serve(struct roosti_feed *feed, int64_t got)
{
    struct feed_reader *reader = feed->reader;
    feed->reader = NULL;
    reader->got = got;
    roosti_wake(reader->task, 0);
}

static void feed_bytes(struct roosti_feed *feed, const unsigned char *bytes, size_t len)
{
    struct feed_reader *reader = feed->reader;
    if (reader) {
        size_t n = len < reader->len ? len : reader->len;
        memcpy(reader->buf, bytes, n);
        bytes += n;
        len -= n;
        reader_serve(feed, (int64_t)n);
    }
    if (len > 0 && !feed->closed && !feed->broken)
        feed_keep(feed, bytes, len);
    bool full = feed->broken || feed->kept_to - feed->kept_from >= KEPT_MAX;
    if (full && feed->armed && !feed->pausing && !feed->closed) {
        struct roosti_port *port = feed->loop->port;
        feed->pausing = true;
        port->ops->cancel(port, &feed->standing.op);
    }
}

static int feed_arm(struct roosti_feed *feed)
{
    feed->armed = true;
    int rc = roosti_standing_begin(feed->loop, &feed->standing);
    feed->armed = rc == ROOSTI_IN_FLIGHT;
    return rc;
}

/* The receive has ended, for good or because it paused. */
static void feed_over(struct roosti_feed *feed, int64_t res)
{
    bool paused = (feed->pausing && res == ROOST_ECANCELED) || res == -ENOBUFS;
    feed->pausing = false;
    if (!feed->reader) {
        feed->end = paused ? NO_END : res;
        return;
    }
    int rc = paused ? feed_arm(feed) : ROOSTI_DONE_NOW;
    if (rc == ROOSTI_DONE_NOW && paused)
        res = feed->standing.op.res;
    if (rc != ROOSTI_IN_FLIGHT)
        reader_serve(feed, rc < 0 ? rc : res);
}

static void feed_done(struct roosti_op *op)
{
    struct roosti_feed *feed = roosti_container(op, struct roosti_feed, standing.op);
    if (op->more) {
        struct roosti_port *port = feed->loop->port;
        feed_bytes(feed, op->buf, (size_t)op->res);
        port->ops->give_back(port, op->buf);
        return;
    }
    feed->armed = false;
    roosti_standing_over(&feed->standing);
    if (feed->closed)
        roosti_free(feed);
    else
        feed_over(feed, op->res);
}

/* -- for the stream ---------------------------------------------------------------------------- */

int roosti_feed_new(struct roosti_loop *loop, int fd, struct roosti_feed **feed)
{
    struct roosti_feed *made = roosti_alloc_zero(1, sizeof *made, "a socket's receive");
    if (!made)
        return ROOST_ENOMEM;
    made->loop = loop;
    made->end = NO_END;
    made->standing.op =
        (struct roosti_op){.kind = ROOSTI_OP_RECV_MULTI, .fd = fd, .done = feed_done};
    *feed = made;
    return 0;
}

void roosti_feed_close(struct roosti_feed *feed)
{
    feed->closed = true;
    if (feed->reader)
        reader_serve(feed, ROOST_ECLOSED);
    roosti_free(feed->kept);
    feed->kept = NULL;
    feed->kept_size = feed->kept_from = feed->kept_to = 0;
    if (!feed->armed)
        roosti_free(feed);
}

static bool feed_abort(struct roost_task *task)
{
    struct roosti_feed *feed = task->wait.on;
    feed->reader = NULL;
    return true;
}

int64_t roosti_feed_read(struct roosti_feed *feed, struct roost_task *task, void *buf, size_t len,
                         bool wait)
{
    if (feed->kept_from < feed->kept_to)
        return (int64_t)feed_take(feed, buf, len);
    if (feed->broken)
        return ROOST_ENOMEM;
    if (feed->end != NO_END) {
        int64_t end = feed->end;
        feed->end = NO_END;
        return end;
    }
    struct roosti_port *port = feed->loop->port;
    if (!wait)
        return feed->armed ? ROOST_EAGAIN
                           : port->ops->fd.read_now(port, feed->standing.op.fd, buf, len);
    if (!feed->armed) {
        int rc = feed_arm(feed);
        if (rc != ROOSTI_IN_FLIGHT)
            return rc < 0 ? rc : feed->standing.op.res;
    }
    struct feed_reader reader = {.task = task, .buf = buf, .len = len};
    feed->reader = &reader;
    int rc = roosti_park(task, feed_abort, "receive", feed);
    return rc < 0 ? rc : reader.got;
}
