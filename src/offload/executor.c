/* offload/executor.c - executors: handing out jobs, and how it ends.
 *
 * Closing: no job is taken any more, those in the queue are dropped, those under way are waited
 * for, then every hand is idle, is let go and joined. A task closes by parking until the last hand
 * says that it is idle; the end of a run, when there are no tasks, waits on its thread and answers
 * posts meanwhile, for a thread may still ask its loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/executor.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/worker.h"

enum { THREADS_MAX = 32, THREADS_SPARE = 4, THREADS_SIMULATED = 8 };
#define THREAD_IDLE_DEFAULT ROOST_SEC(5)

/* How often the end of a run looks what threads ask of it. */
#define ANSWER_EVERY ROOST_MS(1)

void roosti_executor_ref(roost_executor *executor)
{
    roosti_atomic_add(&executor->refs, 1, ROOSTI_RELAXED);
}

void roosti_executor_unref(roost_executor *executor)
{
    if (roosti_atomic_sub(&executor->refs, 1, ROOSTI_ACQ_REL) == 1)
        roosti_free(executor);
}

/* -- jobs ---------------------------------------------------------------------------------------*/

static int queue_push(roost_executor *executor, struct roosti_job *job)
{
    if (executor->queue_max != 0 && executor->stats.queued >= executor->queue_max)
        return ROOST_EBUSY;
    job->next = NULL;
    job->prev = executor->last;
    *(executor->last ? &executor->last->next : &executor->first) = job;
    executor->last = job;
    job->queued = true;
    executor->stats.queued++;
    return 0;
}

/* Under the lock. *ret_hand: an idle one that is to be called. */
static int job_place(roost_executor *executor, struct roosti_job *job,
                     struct roosti_hand **ret_hand)
{
    if (executor->closing)
        return ROOST_ECLOSED;
    struct roosti_hand *hand = roosti_hand_idle_pop(executor);
    *ret_hand = hand;
    if (hand) {
        hand->job = job;
        job->hand = hand;
    } else {
        if (executor->stats.threads >= executor->threads_max)
            return queue_push(executor, job);
        int rc = roosti_hand_start(executor, job);
        if (rc < 0)
            return rc; /* a place in the queue could wait for a thread that waits for this call */
        executor->stats.threads++;
    }
    executor->stats.busy++;
    executor->stats.calls++;
    return 0;
}

int roosti_executor_submit(roost_executor *executor, struct roosti_job *job)
{
    struct roosti_hand *hand = NULL;
    roosti_lock_take(&executor->lock);
    struct roosti_hand *gone = executor->gone;
    executor->gone = NULL;
    int rc = job_place(executor, job, &hand);
    roosti_lock_drop(&executor->lock);
    if (hand)
        roosti_hand_call(hand);
    roosti_hands_join(gone);
    return rc;
}

bool roosti_executor_withdraw(roost_executor *executor, struct roosti_job *job, bool abandon)
{
    roosti_lock_take(&executor->lock);
    bool queued = job->queued;
    if (queued) {
        *(job->next ? &job->next->prev : &executor->last) = job->prev;
        *(job->prev ? &job->prev->next : &executor->first) = job->next;
        job->queued = false;
        executor->stats.queued--;
    } else if (abandon && job->hand) {
        job->abandoned = true;
        executor->stats.abandoned++;
    }
    roosti_lock_drop(&executor->lock);
    return queued;
}

/* -- reports ------------------------------------------------------------------------------------*/

/* Runs on the thread that is asked, in signal context. */
static void report_heading(char *text, size_t size)
{
    snprintf(text, size, "roost: thread %" PRIu64 " stands at:\n", roosti_thread_self());
}

static void hand_report(const struct roosti_job *job, const struct roosti_hand *hand)
{
    uint64_t thread_id = roosti_atomic_load(&hand->thread_id, ROOSTI_RELAXED);
    roosti_report("the run waits for thread %" PRIu64 " to end, which makes the call '%s'%s",
                  thread_id, job->name, job->abandoned ? " that was abandoned" : "");
    (void)roosti_thread_backtrace(thread_id, report_heading);
}

void roosti_executor_report(roost_executor *executor, const struct roosti_job *job)
{
    /* Under the lock the hand cannot finish, so it is the right one that answers. */
    roosti_lock_take(&executor->lock);
    if (job->hand)
        hand_report(job, job->hand);
    roosti_lock_drop(&executor->lock);
}

static void executor_report_all(roost_executor *executor)
{
    roosti_lock_take(&executor->lock);
    for (struct roosti_hand *hand = executor->hands; hand; hand = hand->next)
        if (!hand->idle && hand->job)
            hand_report(hand->job, hand);
    roosti_lock_drop(&executor->lock);
}

static void executor_dump(struct roosti_part *part, int fd)
{
    roost_executor *executor = roosti_container(part, roost_executor, part);
    char buf[200];
    if (!roosti_lock_try(&executor->lock))
        return;
    for (struct roosti_hand *hand = executor->hands; hand; hand = hand->next) {
        if (hand->idle || !hand->job || !hand->job->abandoned)
            continue;
        struct roosti_text text = {.buf = buf, .size = sizeof buf};
        roosti_text_add(&text, "thread '%s' goes on, its caller has gone\n", hand->job->name);
        roosti_host_write(fd, buf, text.len);
    }
    roosti_lock_drop(&executor->lock);
}

/* -- closing ------------------------------------------------------------------------------------*/

/* Lets nothing in any more and drops what is queued; true when no hand is at work. */
static bool executor_close_begin(roost_executor *executor, struct roosti_closer *closer)
{
    roosti_lock_take(&executor->lock);
    executor->closing = true;
    struct roosti_job *queued = executor->first;
    executor->first = executor->last = NULL;
    executor->stats.queued = 0;
    for (struct roosti_job *job = queued; job; job = job->next)
        job->queued = false;
    bool empty = executor->stats.busy == 0;
    executor->closer = empty ? NULL : closer;
    roosti_lock_drop(&executor->lock);
    while (queued) {
        struct roosti_job *job = queued;
        queued = job->next;
        job->drop(job);
    }
    return empty;
}

/* No hand is at work, none will be. */
static void executor_close_finish(roost_executor *executor)
{
    roosti_lock_take(&executor->lock);
    struct roosti_hand *hand;
    while ((hand = roosti_hand_idle_pop(executor)) != NULL) {
        roosti_lock_drop(&executor->lock);
        roosti_hand_call(hand);
        roosti_lock_take(&executor->lock);
    }
    roosti_lock_drop(&executor->lock);
    roosti_hands_join(executor->hands);
    roosti_hands_join(executor->gone);
    roosti_executor_unref(executor);
}

struct task_closer {
    struct roosti_closer base;
    struct roost_task *task;
    roost_post_slot post;
};

static void task_closer_posted(void *arg)
{
    struct task_closer *closer = arg;
    roosti_wake(closer->task, 0);
}

static void task_closer_empty(struct roosti_closer *base)
{
    struct task_closer *closer = roosti_container(base, struct task_closer, base);
    int rc = roosti_inbox_send(closer->task->loop->inbox, &closer->post);
    roosti_require(rc == 0, "a loop outlives its tasks");
}

int roost_executor_close(roost_executor *executor)
{
    struct roost_task *self = roosti_self();
    if (!executor)
        return 0;
    if (!self)
        return roosti_no_task();
    struct roosti_loop *loop = self->loop;
    if (executor->run != loop->run)
        return ROOST_EXLOOP;
    roosti_require(roosti_part_remove(&loop->run->parts, &executor->part),
                   "an executor is closed once, by one task");
    struct task_closer closer = {.base = {task_closer_empty}, .task = self};
    roost_post_slot_init(&closer.post, task_closer_posted, &closer);
    if (!executor_close_begin(executor, &closer.base)) {
        if (!executor->lockstep)
            loop->outside++;
        (void)roosti_park(self, NULL, "end of an executor", executor);
        if (!executor->lockstep)
            loop->outside--;
    }
    executor_close_finish(executor);
    return 0;
}

struct run_closer {
    struct roosti_closer base;
    struct roosti_latch latch;
};

static void run_closer_empty(struct roosti_closer *base)
{
    roosti_latch_set(&roosti_container(base, struct run_closer, base)->latch);
}

/* A thread cannot be ended from outside, and what it works on belongs to this process: so when it
 * takes longer than thread_join_max, that is reported, and waited for. */
static void executor_end(struct roosti_part *part, struct roosti_loop *first)
{
    roost_executor *executor = roosti_container(part, roost_executor, part);
    struct run_closer closer = {.base = {run_closer_empty}};
    if (!executor_close_begin(executor, &closer.base)) {
        roost_time until = roost_time_add(roosti_clock_now(), first->run->opts.thread_join_max);
        bool told = false;
        while (!roosti_latch_wait(&closer.latch, roosti_clock_now() + ANSWER_EVERY)) {
            roosti_inbox_drain(first->inbox, SIZE_MAX);
            if (!told && roosti_clock_now() >= until) {
                told = true;
                executor_report_all(executor);
            }
        }
        /* The last one sets the latch under the lock, and has still to drop it. */
        roosti_lock_take(&executor->lock);
        roosti_lock_drop(&executor->lock);
    }
    executor_close_finish(executor);
}

/* -- opening ------------------------------------------------------------------------------------*/

static roost_executor *executor_new(struct roosti_loop *loop, const roost_executor_opts *opts)
{
    roost_executor *executor = roosti_alloc_zero(1, sizeof *executor, "an executor");
    if (!executor)
        return NULL;
    const roost_run_opts *run_opts = roosti_run_opts(loop);
    executor->refs = 1;
    executor->part.end = executor_end;
    executor->part.dump = executor_dump;
    executor->run = loop->run;
    executor->lockstep = loop->virtual_time ? loop : NULL;
    executor->rng = roosti_rng_split(run_opts->seed, "threads");
    executor->queue_max = opts ? opts->queue_max : 0;
    executor->idle_max = opts && opts->idle != 0 ? opts->idle : THREAD_IDLE_DEFAULT;
    snprintf(executor->name, sizeof executor->name, "%s",
             opts && opts->name ? opts->name : "roost-worker");
    int cpus = loop->virtual_time ? 1 : roosti_host_cpu_count();
    executor->may_spin = cpus > 1;
    uint32_t threads = opts ? opts->threads : 0;
    if (threads == 0 && loop->virtual_time)
        threads = THREADS_SIMULATED; /* the same on every machine, or a seed would not be */
    if (threads == 0)
        threads = (uint32_t)cpus + THREADS_SPARE;
    if (threads > THREADS_MAX && !(opts && opts->threads > 0))
        threads = THREADS_MAX;
    executor->threads_max = threads;
    return executor;
}

int roosti_executor_default(struct roosti_loop *loop, roost_executor **ret_executor)
{
    struct roosti_run *run = loop->run;
    roost_executor *executor = roosti_atomic_load(&run->executor, ROOSTI_ACQUIRE);
    if (roosti_unlikely(!executor)) {
        roost_executor *made = executor_new(loop, NULL);
        if (!made)
            return ROOST_ENOMEM;
        if (roosti_atomic_cas(&run->executor, &executor, made, ROOSTI_ACQ_REL)) {
            executor = made;
            roosti_part_add(&run->parts, &made->part);
        } else { /* another loop was faster */
            roosti_free(made);
            executor = roosti_atomic_load(&run->executor, ROOSTI_ACQUIRE);
        }
    }
    *ret_executor = executor;
    return 0;
}

int roost_executor_open(const roost_executor_opts *opts, roost_executor **ret_executor)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (opts && opts->idle < 0)
        return ROOST_EINVAL;
    roost_executor *executor = executor_new(self->loop, opts);
    if (!executor)
        return ROOST_ENOMEM;
    roosti_part_add(&self->loop->run->parts, &executor->part);
    *ret_executor = executor;
    return 0;
}

int roost_executor_stats_get(roost_executor *executor, roost_executor_stats *stats)
{
    if (!executor) {
        if (!roosti_loop_here)
            return roosti_no_task();
        executor = roosti_atomic_load(&roosti_loop_here->run->executor, ROOSTI_ACQUIRE);
    }
    *stats = (roost_executor_stats){0};
    if (!executor)
        return 0; /* the run's own is made with the first call */
    roosti_lock_take(&executor->lock);
    *stats = executor->stats;
    roosti_lock_drop(&executor->lock);
    return 0;
}
