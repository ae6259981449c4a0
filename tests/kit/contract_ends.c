/* tests/kit/contract_ends.c - the contract of streams: what ends, waits, is cancelled or closed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/record.h>

#include "kit/contract.h"

static char block[CONTRACT_BLOCK];

/* -- back pressure ----------------------------------------------------------------------------- */

/* Until told to stop, or an error, or more has gone out than anything keeps. */
static int64_t fill(struct contract *c)
{
    while (!c->stop && c->sent < (int64_t)CONTRACT_LARGE * CONTRACT_BLOCK) {
        int64_t n = roost_write(c->a, block, sizeof block);
        if (n < 0)
            return n;
        c->sent += n;
    }
    return 0;
}

/* Waits until the filler gets no further. */
static int wait_full(struct contract *c)
{
    int64_t seen;
    do {
        seen = c->sent;
        STEP(0, roost_sleep(ROOST_MS(2)));
    } while (c->sent != seen);
    STEP_IF(c->sent < (int64_t)CONTRACT_LARGE * CONTRACT_BLOCK);
    return 0;
}

/* Reads to the end, and says how much it was. */
static int64_t drain(struct contract *c)
{
    char chunk[16384];
    int64_t n, total = 0;
    while ((n = roost_read(c->b, chunk, sizeof chunk)) > 0)
        total += n;
    return n < 0 ? n : total;
}

static int fills(struct contract *c)
{
    STEP(0, fill(c));
    return contract_end(c);
}

static int holds_back(struct contract *c)
{
    int rc = wait_full(c);
    if (rc < 0)
        return rc;
    c->stop = true;
    int64_t total = drain(c);
    STEP_IF(total >= 0);
    if (!(c->flags & ROOST_CHECK_LOSSY))
        STEP(c->sent, total);
    return 0;
}

/* -- one reader -------------------------------------------------------------------------------- */

static int reads_one(struct contract *c)
{
    char byte = 0;
    STEP(1, roost_read(c->b, &byte, 1));
    STEP('x', byte);
    return 0;
}

static int wants_to_read_too(struct contract *c)
{
    char byte;
    roost_bytes bytes;
    STEP(0, roost_test_settle());
    STEP(ROOST_EBUSY, roost_read(c->b, &byte, 1));
    STEP(ROOST_EBUSY, roost_try_read(c->b, &byte, 1));
    STEP(ROOST_EBUSY, roost_read_exact(c->b, &byte, 1, NULL));
    STEP(ROOST_EBUSY, roost_read_line(c->b, &bytes));
    STEP(ROOST_EBUSY, roost_peek(c->b, 1, &bytes));
    STEP(ROOST_EBUSY, roost_unread(c->b, "y", 1));
    STEP(0, roost_write_all(c->a, "x", 1));
    return 0;
}

/* -- closing under a wait ---------------------------------------------------------------------- */

static int reads_until_closed(struct contract *c)
{
    char byte;
    STEP(ROOST_ECLOSED, roost_read(c->b, &byte, 1));
    return 0;
}

static int closes_reader(struct contract *c)
{
    STEP(0, roost_test_settle());
    roost_stream *b = c->b;
    c->b = NULL;
    STEP(0, roost_stream_close(b));
    return 0;
}

static int reads_line_until_closed(struct contract *c)
{
    roost_bytes line;
    STEP(ROOST_ECLOSED, roost_read_line(c->b, &line));
    return 0;
}

static int writes_half_a_line_and_closes_reader(struct contract *c)
{
    STEP(0, roost_write_all(c->a, "half", 4));
    return closes_reader(c);
}

static int fills_until_closed(struct contract *c)
{
    STEP(ROOST_ECLOSED, fill(c));
    return 0;
}

static int queues_until_closed(struct contract *c)
{
    int rc = wait_full(c);
    if (rc < 0)
        return rc;
    c->stop = true;
    STEP(ROOST_ECLOSED, roost_write_all(c->a, "x", 1));
    return 0;
}

static int closes_writer(struct contract *c)
{
    while (!c->stop)
        STEP(0, roost_sleep(ROOST_MS(1)));
    STEP(0, roost_test_settle());
    roost_stream *a = c->a;
    c->a = NULL;
    roost_stream_abort(a); /* in order, some kinds would wait for the other side */
    return 0;
}

/* -- the other side ---------------------------------------------------------------------------- */

static int reads_the_end(struct contract *c)
{
    char byte;
    for (int i = 0; i < 3; i++)
        STEP(0, roost_read(c->b, &byte, 1));
    return 0;
}

static int closes_other_end(struct contract *c)
{
    STEP(0, roost_test_settle());
    roost_stream *a = c->a;
    c->a = NULL;
    STEP(0, roost_stream_close(a));
    return 0;
}

static int reads_an_abort(struct contract *c)
{
    char byte;
    for (int i = 0; i < 2; i++) {
        int64_t n = roost_read(c->b, &byte, 1);
        STEP_IF(n <= 0 && n != ROOST_ECLOSED && n != ROOST_EBUSY);
        if (n == ROOST_ECANCELED)
            return ROOST_ECANCELED;
    }
    return 0;
}

static int aborts_other_end(struct contract *c)
{
    STEP(0, roost_test_settle());
    roost_stream_abort(c->a);
    c->a = NULL;
    return 0;
}

static int writes_to_nobody(struct contract *c)
{
    roost_stream *b = c->b;
    c->b = NULL;
    STEP(0, roost_stream_close(b));
    int64_t n = 1;
    for (int tries = 0; n > 0 && tries < 2000; tries++) {
        n = roost_write(c->a, "x", 1);
        if (n > 0)
            STEP(0, roost_sleep(ROOST_US(100)));
    }
    if (n == ROOST_ECANCELED)
        return ROOST_ECANCELED;
    STEP_IF(n == -EPIPE || n == -ECONNRESET);
    STEP_IF(roost_write(c->a, "x", 1) < 0);
    return 0;
}

static int asks(struct contract *c)
{
    char buf[8];
    STEP(0, roost_write_all(c->a, "ping", 4));
    STEP(0, roost_write_end(c->a));
    STEP(0, roost_write_end(c->a));
    STEP(ROOST_ECLOSED, roost_write(c->a, "x", 1));
    STEP(ROOST_ECLOSED, roost_write_all(c->a, "x", 1));
    STEP(0, roost_read_exact(c->a, buf, 4, NULL));
    STEP(0, memcmp(buf, "pong", 4));
    STEP(0, roost_read(c->a, buf, 1));
    return 0;
}

static int answers_at_the_end(struct contract *c)
{
    char buf[8];
    STEP(0, roost_read_exact(c->b, buf, 4, NULL));
    STEP(0, roost_read(c->b, buf, 1));
    STEP(0, roost_write_all(c->b, "pong", 4));
    STEP(0, roost_write_end(c->b));
    return 0;
}

/* -- cancelled writes -------------------------------------------------------------------------- */

/* Nothing of a write that could not begin is out, and the stream is as it was. */
static int is_cancelled_before_it_writes(struct contract *c)
{
    int rc = 0;
    do {
        rc = ROOST_WITHIN(ROOST_MS(5), (int)roost_write(c->a, block, sizeof block));
        c->sent += rc > 0 ? rc : 0;
        STEP_IF(rc > 0 || rc == ROOST_ETIMEDOUT);
    } while (rc > 0);
    STEP_IF(c->flags & ROOST_CHECK_LOCKSTEP ? c->sent == 0 : c->sent > 0);
    c->stop = true;
    STEP(0, roost_write_all(c->a, "x", 1));
    return contract_end(c);
}

static int reads_what_was_sent(struct contract *c)
{
    while (!c->stop)
        STEP(0, roost_sleep(ROOST_MS(1)));
    STEP(c->sent + 1, drain(c));
    return 0;
}

/* A write that was cut short breaks the direction, and the counters tell where. */
static int is_cancelled_in_the_middle(struct contract *c)
{
    roost_bytes pieces[64];
    roost_stream_stats stats;
    for (size_t i = 0; i < 64; i++)
        pieces[i] = (roost_bytes){block, sizeof block};
    int rc;
    do
        rc = ROOST_WITHIN(ROOST_MS(5), roost_writev_all(c->a, pieces, 64));
    while (rc == 0);
    STEP(ROOST_ETIMEDOUT, rc);
    roost_stream_stats_get(c->a, &stats);
    c->sent = (int64_t)stats.written;
    STEP_IF(c->sent > 0);
    if (c->sent % (64 * CONTRACT_BLOCK) != 0) { /* else it was cut between two of them */
        STEP(ROOST_EBROKEN, roost_write_all(c->a, "x", 1));
        STEP(ROOST_EBROKEN, roost_write(c->a, "x", 1));
        STEP(ROOST_EBROKEN, roost_writev_all(c->a, pieces, 1));
    }
    c->stop = true;
    return contract_end(c);
}

static int reads_what_was_cut(struct contract *c)
{
    char byte;
    STEP(1, roost_read(c->b, &byte, 1));
    while (!c->stop)
        STEP(0, roost_sleep(ROOST_MS(1)));
    int64_t total = drain(c);
    STEP_IF(total >= 0);
    if (!(c->flags & ROOST_CHECK_LOSSY))
        STEP(c->sent, total + 1);
    return 0;
}

static int is_cancelled_before_all_came(struct contract *c)
{
    char buf[10];
    size_t got = 99;
    STEP(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(5), roost_read_exact(c->b, buf, 10, &got)));
    STEP_IF(got <= 5);
    c->stop = true;
    STEP(0, roost_read_exact(c->b, buf + got, 10 - got, NULL));
    STEP(0, memcmp(buf, "1234567890", 10));
    return 0;
}

static int sends_by_halves(struct contract *c)
{
    STEP(0, roost_write_all(c->a, "12345", 5));
    while (!c->stop)
        STEP(0, roost_sleep(ROOST_MS(1)));
    STEP(0, roost_write_all(c->a, "67890", 5));
    return 0;
}

const struct contract_check contract_ends[] = {
    {"a writer is held back", {fills, holds_back}, 0},
    {"one reader at a time", {reads_one, wants_to_read_too}, 0},
    {"closing under a reader", {reads_until_closed, closes_reader}, 0},
    {"closing under a reader of lines",
     {reads_line_until_closed, writes_half_a_line_and_closes_reader},
     ROOST_CHECK_LOCKSTEP},
    {"closing under writers", {fills_until_closed, queues_until_closed, closes_writer}, 0},
    {"the other end closes", {reads_the_end, closes_other_end}, 0},
    {"the other end aborts", {reads_an_abort, aborts_other_end}, 0},
    {"nobody reads", {writes_to_nobody}, 0},
    {"half closed", {asks, answers_at_the_end}, ROOST_CHECK_ONE_WAY | ROOST_CHECK_NO_ENDS},
    {"cancelled before it writes", {is_cancelled_before_it_writes, reads_what_was_sent}, 0},
    {"cancelled in the middle", {is_cancelled_in_the_middle, reads_what_was_cut}, 0},
    {"cancelled before all came", {is_cancelled_before_all_came, sends_by_halves}, 0},
    {NULL, {NULL}, 0},
};
