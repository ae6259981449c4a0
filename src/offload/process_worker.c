/* offload/process_worker.c - a worker process: one call after the other, until nobody asks.
 *
 * The arena is where the copies of a call's spans lie: pages of the worker's own that it keeps, or
 * the shared memory that came with the call, in which OUT spans need no way back.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "offload/process.h"

enum { ANSWER_PIECES_MAX = 1 + ROOST_SPANS_MAX };

struct worker {
    const roost_process_pool_opts *opts;
    int fd;
    int pid;
    uint64_t calls;
    bool limited;
    char *kept; /* the arena of small calls; NULL until the first */
    _Alignas(64) char args[ROOSTI_CALL_ARGS_MAX];
    _Alignas(16) char heard[ROOSTI_RECORD_MAX];
};

/* A call as it came in. */
struct job {
    const struct roosti_record *head;
    const struct roosti_place *places;
    const char *contents; /* of the IN spans, one after the other; NULL: in the arena already */
    char *arena;
};

/* What cannot be said is the end of a worker: the root then says that. */
static void say(struct worker *worker, const struct roosti_piece *pieces, size_t count, int pass)
{
    for (;;) {
        int rc = roosti_record_send(worker->fd, pieces, count, pass);
        if (rc == 0)
            return;
        struct roosti_wait_fd wait = {.fd = worker->fd, .wanted = ROOSTI_WAIT_WRITE};
        if (rc != ROOST_EAGAIN)
            roosti_process_exit(1);
        (void)roosti_wait_fds(&wait, 1, ROOST_FOREVER);
    }
}

static void say_code(struct worker *worker, enum roosti_record_kind kind, int code, int pass)
{
    struct roosti_record record = {
        .kind = kind, .pid = worker->pid, .code = code, .calls = worker->calls};
    say(worker, &(struct roosti_piece){&record, sizeof record}, 1, pass);
}

/* -- one call -----------------------------------------------------------------------------------*/

/* Where a pointer of the program leads to in the arena; 0: nowhere. Inside one span before right
 * behind another. */
static uintptr_t pointer_find(const struct job *job, uint64_t pointer)
{
    uintptr_t behind = 0;
    for (uint32_t i = 0; i < job->head->place_count; i++) {
        const struct roosti_place *place = &job->places[i];
        if (place->at == 0 || pointer < place->at || pointer - place->at > place->len)
            continue;
        uintptr_t found = (uintptr_t)(job->arena + place->offset + (pointer - place->at));
        if (pointer - place->at < place->len)
            return found;
        behind = found;
    }
    return behind;
}

static void args_place(struct worker *worker, const struct job *job)
{
    memcpy(worker->args, job->head + 1, job->head->args_size);
    /* The first word is the function. */
    for (size_t at = sizeof(void *); at + sizeof(void *) <= job->head->args_size;
         at += sizeof(void *)) {
        uintptr_t word;
        memcpy(&word, worker->args + at, sizeof word);
        uintptr_t found = pointer_find(job, word);
        if (found != 0)
            memcpy(worker->args + at, &found, sizeof found);
    }
}

static void contents_place(const struct job *job)
{
    const char *from = job->contents;
    for (uint32_t i = 0; from && i < job->head->place_count; i++) {
        const struct roosti_place *place = &job->places[i];
        char *to = job->arena + place->offset;
        if (place->way & ROOST_SPAN_IN) {
            memcpy(to, from, place->len);
            from += place->len;
        } else {
            memset(to, 0, place->len);
        }
    }
}

static void result_say(struct worker *worker, const struct job *job, int code)
{
    struct roosti_record record = {
        .kind = ROOSTI_RECORD_RESULT, .pid = worker->pid, .code = code, .calls = worker->calls};
    struct roosti_piece pieces[ANSWER_PIECES_MAX];
    size_t count = 0;
    pieces[count++] = (struct roosti_piece){&record, sizeof record};
    for (uint32_t i = 0; code >= 0 && job->contents && i < job->head->place_count; i++) {
        const struct roosti_place *place = &job->places[i];
        if ((place->way & ROOST_SPAN_OUT) && place->len > 0)
            pieces[count++] = (struct roosti_piece){job->arena + place->offset, (size_t)place->len};
    }
    say(worker, pieces, count, -1);
}

static void job_do(struct worker *worker, const struct job *job)
{
    contents_place(job);
    args_place(worker, job);
    const struct roosti_record *head = job->head;
    bool limited = head->memory_max != 0 || head->cpu_max != 0;
    if (limited || worker->limited)
        roosti_process_limit((size_t)head->memory_max, head->cpu_max);
    worker->limited = limited;

    const roost_async_info *info;
    memcpy(&info, worker->args, sizeof info);
    int code = info->entry(worker->args);

    /* A fork of the call's own came back too: the answer is for its parent to give. */
    if (roosti_process_id() != worker->pid)
        roosti_process_exit(0);
    if (limited)
        roosti_process_limit(0, 0);
    result_say(worker, job, code);
}

static void request_serve(struct worker *worker, int shared)
{
    struct job job = {.head = (const void *)worker->heard};
    size_t size = (size_t)job.head->arena_size;
    job.places =
        (const void *)(worker->heard + sizeof *job.head + (job.head->args_size + 7) / 8 * 8);
    bool large = size > ROOSTI_CALL_INLINE_MAX;
    if (large) {
        job.arena = shared >= 0 ? roosti_pages_map(shared, size) : NULL;
        roosti_socket_close(shared);
    } else {
        if (!worker->kept)
            worker->kept = roosti_pages_map(-1, ROOSTI_CALL_INLINE_MAX);
        job.arena = worker->kept;
        job.contents = (const char *)(job.places + job.head->place_count);
    }
    if (!job.arena) {
        say_code(worker, ROOSTI_RECORD_RESULT, ROOST_ENOMEM, -1);
        return;
    }
    job_do(worker, &job);
    if (large)
        roosti_pages_unmap(job.arena, size);
}

/* -- a life -------------------------------------------------------------------------------------*/

static void birth_say(struct worker *worker)
{
    int pidfd = roosti_process_pidfd();
    say_code(worker, ROOSTI_RECORD_BORN, 0, pidfd < 0 ? -1 : pidfd);
    roosti_socket_close(pidfd < 0 ? -1 : pidfd);
    int rc = worker->opts->init ? worker->opts->init(worker->opts->init_arg) : 0;
    if (rc < 0) {
        say_code(worker, ROOSTI_RECORD_FAILED, rc, -1);
        roosti_process_exit(0);
    }
}

void roosti_process_worker_main(void *arg, int fd)
{
    const roost_process_pool *pool = arg;
    struct worker worker;
    worker.opts = &pool->opts;
    worker.fd = fd;
    worker.pid = roosti_process_id();
    worker.calls = 0;
    worker.limited = false;
    worker.kept = NULL;
    birth_say(&worker);
    for (;;) {
        /* It was forked for a call, so it waits for that one as long as it takes. */
        roost_dur idle = worker.calls == 0 ? ROOST_FOREVER : worker.opts->idle;
        struct roosti_wait_fd wait = {.fd = fd, .wanted = ROOSTI_WAIT_READ};
        int ready = roosti_wait_fds(&wait, 1, idle);
        int shared = -1;
        int64_t n = ROOST_EAGAIN;
        if (ready > 0)
            n = roosti_record_receive(fd, worker.heard, sizeof worker.heard, &shared);
        if (n >= (int64_t)sizeof(struct roosti_record)) {
            worker.calls++;
            request_serve(&worker, shared);
        } else if (ready == 0 && idle != ROOST_FOREVER) {
            say_code(&worker, ROOSTI_RECORD_RETIRED, 0, -1);
            return;
        } else if (n != ROOST_EAGAIN) {
            return;
        }
    }
}
