/* offload/process_call.c - a task has a worker process make a call.
 *
 * One record goes to the worker, one comes back. Spans that are too large for that lie in memory
 * both can see, which is read after the result has come: until then nothing of the caller's has
 * been written, so a worker that dies leaves nothing half done.
 *
 * A worker may retire, or be killed by somebody, while it is idle. What was sent to it then was not
 * read by it, so it goes to another one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "offload/process.h"
#include "port/port.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "rt/run.h"

enum {
    ALIGN = 64,                           /* copies of spans lie as the spans do, to this */
    COPY_MAX = 1 << 20,                   /* bytes between two turns of the others */
    SIM_TURNS_MAX = 4,                    /* in simulation, before the answer is waited for */
    CALL_PIECES_MAX = 4 + ROOST_SPANS_MAX /* of a CALL */
};

struct process_call {
    roost_process_pool *pool;
    struct roost_task *self;
    roost_call call;
    const roost_span *spans;
    int shared; /* memory for large spans, -1: none */
    bool again; /* the worker had ended before it got the call: another one is to make it */
    struct roosti_record head;
    struct roosti_place places[ROOST_SPANS_MAX];
};

static const char *call_name(const struct process_call *call)
{
    return (*call->call.args)->name;
}

/* -- what is sent -------------------------------------------------------------------------------*/

/* Gives each span its place in the arena. */
static int call_lay_out(struct process_call *call, const roost_process_opts *opts)
{
    const roost_span_list *list = &opts->spans;
    uint64_t total = 0;
    uint64_t end = 0;
    if (list->count > ROOST_SPANS_MAX || opts->cpu_max < 0)
        return ROOST_EINVAL;
    for (size_t i = 0; i < list->count; i++) {
        const roost_span *span = &list->at[i];
        unsigned way = span->way != 0 ? span->way : ROOST_SPAN_IN;
        if (way > ROOST_SPAN_INOUT || (!span->data && span->len > 0))
            return ROOST_EINVAL;
        if (span->len > call->pool->opts.span_bytes_max - total)
            return -EMSGSIZE;
        total += span->len;
        uint64_t at = (uintptr_t)span->data;
        uint64_t offset = (end + ALIGN - 1) / ALIGN * ALIGN + at % ALIGN;
        call->places[i] =
            (struct roosti_place){.at = at, .len = span->len, .offset = offset, .way = way};
        end = offset + span->len;
    }
    call->spans = list->at;
    call->head = (struct roosti_record){
        .kind = ROOSTI_RECORD_CALL,
        .args_size = (*call->call.args)->args_size,
        .place_count = (uint32_t)list->count,
        .arena_size = end,
        .memory_max = opts->memory_max,
        .cpu_max = opts->cpu_max,
    };
    return 0;
}

static bool call_is_large(const struct process_call *call)
{
    return call->head.arena_size > ROOSTI_CALL_INLINE_MAX;
}

/* Fills the memory for large spans, and lets others run meanwhile. */
static int call_share(struct process_call *call)
{
    int fd = roosti_shared_open((size_t)call->head.arena_size);
    if (fd < 0)
        return fd;
    call->shared = fd;
    for (uint32_t i = 0; i < call->head.place_count; i++) {
        const struct roosti_place *place = &call->places[i];
        for (uint64_t at = 0; at < place->len && (place->way & ROOST_SPAN_IN);) {
            size_t len = place->len - at < COPY_MAX ? (size_t)(place->len - at) : COPY_MAX;
            int rc = roosti_shared_write(fd, (const char *)call->spans[i].data + at, len,
                                         place->offset + at);
            if (rc < 0)
                return rc;
            at += len;
            if (len < COPY_MAX)
                continue;
            roosti_give_turn(call->self);
            rc = roosti_op_begin(call->self->loop, call->self);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int call_send(struct process_call *call, const struct roosti_process *process)
{
    static const char padding[8];
    struct roosti_piece pieces[CALL_PIECES_MAX];
    size_t count = 0;
    size_t uneven = call->head.args_size % sizeof padding;
    pieces[count++] = (struct roosti_piece){&call->head, sizeof call->head};
    pieces[count++] =
        (struct roosti_piece){(void *)(uintptr_t)call->call.args, call->head.args_size};
    pieces[count++] = (struct roosti_piece){(void *)(uintptr_t)padding,
                                            uneven != 0 ? sizeof padding - uneven : 0};
    pieces[count++] =
        (struct roosti_piece){call->places, call->head.place_count * sizeof call->places[0]};
    for (uint32_t i = 0; i < call->head.place_count && !call_is_large(call); i++)
        if (call->places[i].way & ROOST_SPAN_IN)
            pieces[count++] =
                (struct roosti_piece){(void *)(uintptr_t)call->spans[i].data, call->spans[i].len};
    return roosti_record_send(process->fd, pieces, count, call->shared);
}

/* -- what comes back ----------------------------------------------------------------------------*/

/* The caller's memory is written here and nowhere else. */
static int result_take(struct process_call *call, const struct roosti_process *process)
{
    const struct roosti_record *said = roosti_process_said(process);
    int code = said->code;
    if (code < 0)
        return code;
    const char *from = process->said.bytes + sizeof *said;
    for (uint32_t i = 0; i < call->head.place_count; i++) {
        const struct roosti_place *place = &call->places[i];
        char *to = (char *)(uintptr_t)call->spans[i].data;
        if (!(place->way & ROOST_SPAN_OUT) || place->len == 0)
            continue;
        if (!call_is_large(call)) {
            memcpy(to, from, (size_t)place->len);
            from += place->len;
            continue;
        }
        for (uint64_t at = 0; at < place->len;) {
            size_t len = place->len - at < COPY_MAX ? (size_t)(place->len - at) : COPY_MAX;
            int rc = roosti_shared_read(call->shared, to + at, len, place->offset + at);
            if (rc < 0)
                return rc; /* its size is sealed: the system has no memory for it */
            at += len;
            if (len == COPY_MAX)
                roosti_give_turn(call->self);
        }
    }
    return code;
}

/* Whether what came is the result of this call, not of an earlier one, and of the length it has to
 * have. */
static bool result_is_whole(const struct process_call *call, const struct roosti_process *process)
{
    const struct roosti_record *said = roosti_process_said(process);
    size_t wanted = sizeof *said;
    for (uint32_t i = 0; i < call->head.place_count && said->code >= 0 && !call_is_large(call); i++)
        if (call->places[i].way & ROOST_SPAN_OUT)
            wanted += (size_t)call->places[i].len;
    return said->kind == ROOSTI_RECORD_RESULT && said->calls == process->calls + 1 &&
           process->said.len == wanted;
}

/* The root says nothing to the program: that there is something to be read is its end. */
static bool root_is_gone(const roost_process_pool *pool)
{
    struct roosti_wait_fd wait = {.fd = pool->control, .wanted = ROOSTI_WAIT_READ};
    return roosti_wait_fds(&wait, 1, 0) > 0;
}

/* Says what has become of the worker. The code of the call. */
static int loss_tell(const struct process_call *call, const struct roosti_process *process,
                     int heard, char *text, size_t size)
{
    const struct roosti_record *said = roosti_process_said(process);
    const char *name = call_name(call);
    bool silent = heard < 0; /* it may have closed its side, or have sent an empty record */
    if (silent && root_is_gone(call->pool)) {
        snprintf(text, size, "the root of the process pool is gone");
        return ROOST_EBROKEN;
    }
    bool unborn = silent && process->pid == 0; /* the root could not take its socket */
    if (unborn || (!silent && said->kind == ROOSTI_RECORD_FAILED)) {
        snprintf(text, size, "no worker could be started");
        return unborn ? -EMFILE : said->code < 0 ? said->code : ROOST_EBROKEN;
    }
    const char *signal = said->signalled ? roosti_signal_name(said->code) : NULL;
    if (silent || said->kind != ROOSTI_RECORD_DIED)
        snprintf(text, size, "worker %d speaks nonsense in '%s'", process->pid, name);
    else if (signal)
        snprintf(text, size, "worker %d died of %s in '%s'", said->pid, signal, name);
    else
        snprintf(text, size, "worker %d %s %d in '%s'", said->pid,
                 said->signalled ? "died of signal" : "left with status", said->code, name);
    return ROOST_ECRASHED;
}

/* Whether the worker ended without having seen the call. A fresh one waits for its first call, so
 * it has no excuse, and a call is repeated once at most. */
static bool call_was_missed(const struct roosti_process *process, int heard, bool delivered)
{
    const struct roosti_record *said = roosti_process_said(process);
    if (heard < 0 || process->calls == 0)
        return false;
    return said->kind == ROOSTI_RECORD_RETIRED ||
           (said->kind == ROOSTI_RECORD_DIED && (!delivered || said->unread));
}

/* The worker is gone, or not to be used any more, and has said why. A code, or call->again. */
static int loss_judge(struct process_call *call, struct roosti_process *process, int heard,
                      bool delivered)
{
    roost_process_pool *pool = call->pool;
    roosti_guard_take(&pool->guard);
    bool doomed = process->doomed;
    roosti_guard_leave(&pool->guard);
    if (doomed)
        return ROOST_ECANCELED;
    call->again = call_was_missed(process, heard, delivered);
    if (call->again)
        return 0;
    char text[64];
    int code = loss_tell(call, process, heard, text, sizeof text);
    roosti_guard_take(&pool->guard);
    pool->stats.crashed += code == ROOST_ECRASHED;
    roosti_guard_leave(&pool->guard);
    /* At one place for all: that is how a trail tells one error from the next. */
    return roost_error_note(code, "%s", text);
}

/* -- waiting ------------------------------------------------------------------------------------*/

/* In simulation the seed decides how many turns others get; then the thread waits. */
static int sim_turns_give(struct roost_task *self)
{
    struct roosti_loop *loop = self->loop;
    int rc = 0;
    for (uint64_t left = 1 + roosti_loop_random(loop) % SIM_TURNS_MAX; left > 0 && rc == 0;
         left--) {
        roosti_give_turn(self);
        rc = roosti_op_begin(loop, self);
    }
    return rc;
}

/* 0 when the worker may have said something; a code when the call is over, cancelled or not. */
static int answer_await(struct process_call *call, const struct roosti_process *process)
{
    if (call->pool->blocking) {
        roosti_process_await(call->pool, process->fd, call->self);
        return 0;
    }
    struct roosti_op op = {.kind = ROOSTI_OP_POLL, .fd = process->fd, .events = ROOSTI_POLL_IN};
    int64_t rc = roosti_op_run(&op);
    return rc < 0 ? (int)rc : 0;
}

/* 0: the worker, or its root, has said something. ROOST_EBROKEN: nothing will come. Other codes:
 * the call is not waited for any more. */
static int answer_get(struct process_call *call, struct roosti_process *process, bool *gone)
{
    int rc = call->pool->blocking ? sim_turns_give(call->self) : 0;
    *gone = false;
    if (rc < 0)
        return rc;
    for (;;) {
        int heard = roosti_process_hear(call->pool, process);
        if (heard != ROOST_EAGAIN) {
            *gone = heard < 0;
            return heard;
        }
        if (rc < 0)
            return rc; /* what has come by now would have won */
        rc = answer_await(call, process);
    }
}

/* -- the call -----------------------------------------------------------------------------------*/

/* Makes it with this worker, which is then given back or gone, and its place with it, but for
 * call->again: then the place is still the caller's. */
static int call_exchange(struct process_call *call, struct roosti_process *process)
{
    roost_process_pool *pool = call->pool;
    bool gone = false;
    int rc = call_send(call, process);
    bool delivered = rc == 0;
    if (rc < 0 && rc != -EPIPE) {
        roosti_process_give(pool, process);
        return rc;
    }
    rc = answer_get(call, process, &gone);
    if (rc < 0 && !gone) {
        roosti_guard_take(&pool->guard);
        pool->stats.killed++;
        roosti_guard_leave(&pool->guard);
        roosti_process_end(pool, process, call->self);
    } else if (rc == 0 && result_is_whole(call, process)) {
        process->calls++;
        rc = result_take(call, process);
        bool spent = pool->opts.calls_max != 0 && process->calls >= pool->opts.calls_max;
        if (!spent) {
            roosti_process_give(pool, process);
            return rc;
        }
        roosti_process_drop(pool, process);
    } else {
        rc = loss_judge(call, process, rc, delivered);
        roosti_process_end(pool, process, call->self); /* also one that only says that it ends */
        if (call->again)
            return rc;
    }
    roosti_process_give(pool, NULL);
    return rc;
}

static int call_make(struct process_call *call)
{
    roost_process_pool *pool = call->pool;
    struct roosti_process *process = NULL;
    int rc = roosti_process_take(pool, call->self, &process);
    if (rc < 0)
        return rc;
    /* Cancelled after a place was handed over to it. */
    rc = roosti_op_begin(call->self->loop, call->self);
    if (rc == 0 && call_is_large(call))
        rc = call_share(call);
    if (rc < 0) {
        roosti_process_give(pool, process);
        return rc;
    }
    roosti_guard_take(&pool->guard);
    pool->stats.calls++;
    roosti_guard_leave(&pool->guard);
    for (;;) {
        rc = process ? 0 : roosti_process_start(pool, &process);
        if (rc < 0) {
            roosti_process_give(pool, NULL);
            return rc;
        }
        call->again = false;
        rc = call_exchange(call, process);
        if (!call->again)
            return rc;
        process = NULL;
    }
}

int roost_to_process_with(roost_call what, const roost_process_opts *opts)
{
    static const roost_process_opts none;
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (!opts)
        opts = &none;
    struct process_call call;
    call.pool = opts->pool;
    call.self = self;
    call.call = what;
    call.shared = -1;
    call.again = false;
    if (call.pool && call.pool->run != self->loop->run)
        return ROOST_EXLOOP;
    const roost_async_info *info = *what.args;
    if (info->args_size > ROOSTI_CALL_ARGS_MAX || info->args_align > ALIGN)
        return ROOST_EINVAL;
    int rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && !call.pool)
        rc = roosti_process_pool_default(self->loop, &call.pool);
    if (rc == 0)
        rc = call_lay_out(&call, opts);
    if (rc < 0)
        return rc;
    rc = call_make(&call);
    roosti_socket_close(call.shared);
    return rc;
}
