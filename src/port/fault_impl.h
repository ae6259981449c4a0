/* port/fault_impl.h - what the files of the fault port share.
 *
 *   fault.c        an operation from submit to done
 *   fault_draw.c   the table of errors, and whether something goes wrong now
 *   fault_calls.c  what passes through, opening and closing
 *
 * Each operation of the user has a record, whose inner operation the port underneath carries out. A
 * record is in one of three phases: its inner operation is in flight; it is held before its start;
 * or its result is held. Being held ends after a number of rounds (calls of the inner wait) and,
 * where time is virtual, at an instant. Records are pooled; what has been taken needs no memory any
 * more.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_FAULT_IMPL_H
#define ROOST_PORT_FAULT_IMPL_H

#include <stdbool.h>

#include "base/list.h"
#include "base/rng.h"
#include "port/fault.h"

enum {
    ROOSTI_FAULT_LENT_MAX = 16, /* buffers lent by step-by-step receives, then ENOBUFS */
    ROOSTI_FAULT_LENT_BYTES = 4096
};

enum roosti_fault_phase {
    ROOSTI_FAULT_PHASE_INNER, /* in flight underneath; held too: a cancel waits to be passed on */
    ROOSTI_FAULT_PHASE_START, /* held: not ready, it seems, or between two steps */
    ROOSTI_FAULT_PHASE_RESULT /* held: finished underneath */
};

struct roosti_fault_op {
    struct roosti_op inner; /* what the port underneath carries out */
    struct roosti_op *user;
    struct roosti_fault *fault;
    struct roosti_node node; /* in held, ready or free */
    enum roosti_fault_phase phase;
    uint64_t round; /* held until this round ... */
    roost_time due; /* ... and this instant */
    int64_t res;    /* ROOSTI_FAULT_PHASE_RESULT */
    unsigned again_count;
    int lent;      /* buffer a step receives into, or -1 */
    bool stepwise; /* a multi carried out step by step */
    bool polled;   /* stepwise receive: bytes are there to be taken */
    bool counted;  /* this step has met its chance to fail */
    bool unwanted; /* cancelled */
    bool direct;   /* inside submit */
};

struct roosti_fault {
    struct roosti_port port;
    struct roosti_port_ops ops; /* the inner port's name and kind of time */
    struct roosti_port *inner;
    struct roosti_fault_plan plan;
    struct roosti_fault_stats stats;
    uint64_t trace;
    uint64_t round;
    uint64_t delivered; /* completions given to the user */
    size_t op_count;    /* in flight */
    uint32_t woken;     /* wake was called; other threads touch it */
    bool guest;         /* poll_fd was asked for: held work must make it readable */
    struct {
        unsigned kind;
        uint64_t nth; /* 0: nothing forced */
        int code;
    } forced;
    struct roosti_rng rng_error;
    struct roosti_rng rng_again;
    struct roosti_rng rng_short;
    struct roosti_rng rng_delay;
    struct roosti_rng rng_cancel;
    struct roosti_list held;
    struct roosti_list ready; /* held no longer, about to go on; used inside wait */
    struct roosti_list free;
    unsigned char *lent; /* slab for stepwise receives, NULL until the first */
    uint32_t lent_bits;  /* bit i: buffer i is taken */
};

static inline struct roosti_fault *roosti_fault_of(struct roosti_port *port)
{
    return roosti_container(port, struct roosti_fault, port);
}

static inline struct roosti_fault_op *roosti_fault_record_of(struct roosti_node *node)
{
    return roosti_container(node, struct roosti_fault_op, node);
}

/* fault_draw.c */
/* Counts one more of this kind, and says with what it fails: 0 if it does not. */
int roosti_fault_code_draw(struct roosti_fault *fault, unsigned kind);
/* How many of len bytes a read or write is given. */
size_t roosti_fault_len_draw(struct roosti_fault *fault, size_t len);
/* A connection that has reported such a code does not live on: the other side learns of it too. */
void roosti_fault_connection_break(struct roosti_fault *fault, unsigned kind, int fd, int code);
void roosti_fault_trace_add(struct roosti_fault *fault, unsigned what, unsigned kind,
                            int64_t value);

/* fault.c */
int roosti_fault_submit(struct roosti_port *port, struct roosti_op *user);
void roosti_fault_cancel(struct roosti_port *port, struct roosti_op *user);
int roosti_fault_wait(struct roosti_port *port, roost_time deadline);
void roosti_fault_wake(struct roosti_port *port);
/* What has not been started on fd must not start on whatever gets its number next. */
void roosti_fault_starts_end(struct roosti_list *list, int fd);

#endif
