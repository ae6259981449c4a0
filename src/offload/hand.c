/* offload/hand.c - the life of a hand: work, look out for more, sleep, go.
 *
 * A hand without a job looks at its word. Calls often follow each other closely, so it looks for a
 * moment before it sleeps; when that was in vain it is tried less and less often. Who calls it pays
 * for a system call only when it sleeps.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "base/mem.h"
#include "offload/executor.h"

/* How long a hand looks out for work: what it takes to wake a loop on another processor, which then
 * calls again. */
#define HAND_SPIN_NS ROOST_US(30)

/* Times in vain in a row, beyond which the pauses between them grow no longer. */
enum { HAND_SPIN_MISSES_MAX = 5 };

/* Of the word. */
enum { HAND_LOOKS, HAND_SLEEPS, HAND_CALLED };

/* -- the lists, under the lock ------------------------------------------------------------------*/

static void idle_push(roost_executor *executor, struct roosti_hand *hand)
{
    hand->idle = true;
    hand->idle_prev = NULL;
    hand->idle_next = executor->idle;
    if (executor->idle)
        executor->idle->idle_prev = hand;
    executor->idle = hand;
}

static void idle_remove(roost_executor *executor, struct roosti_hand *hand)
{
    hand->idle = false;
    *(hand->idle_prev ? &hand->idle_prev->idle_next : &executor->idle) = hand->idle_next;
    if (hand->idle_next)
        hand->idle_next->idle_prev = hand->idle_prev;
}

struct roosti_hand *roosti_hand_idle_pop(roost_executor *executor)
{
    struct roosti_hand *hand = executor->idle;
    if (hand)
        idle_remove(executor, hand);
    return hand;
}

static void hand_link(struct roosti_hand **list, struct roosti_hand *hand)
{
    hand->prev = NULL;
    hand->next = *list;
    if (*list)
        (*list)->prev = hand;
    *list = hand;
}

static void hand_unlink(struct roosti_hand **list, struct roosti_hand *hand)
{
    *(hand->prev ? &hand->prev->next : list) = hand->next;
    if (hand->next)
        hand->next->prev = hand->prev;
}

static struct roosti_job *queue_pop(roost_executor *executor)
{
    struct roosti_job *job = executor->first;
    if (!job)
        return NULL;
    executor->first = job->next;
    *(job->next ? &job->next->prev : &executor->last) = NULL;
    job->queued = false;
    executor->stats.queued--;
    return job;
}

/* -- on the hand --------------------------------------------------------------------------------*/

/* Takes the next job of the queue and returns true, or is idle from here on: then `job` is for
 * others to write until the word says that it was called. */
static bool hand_turn_over(roost_executor *executor, struct roosti_hand *hand,
                           struct roosti_job *done)
{
    roosti_lock_take(&executor->lock);
    done->hand = NULL;
    if (done->abandoned)
        executor->stats.abandoned--;
    struct roosti_job *next = hand->job = queue_pop(executor);
    if (next) {
        next->hand = hand;
        executor->stats.calls++;
    } else {
        roosti_atomic_store(&hand->word, HAND_LOOKS, ROOSTI_RELAXED);
        idle_push(executor, hand);
        if (--executor->stats.busy == 0 && executor->closer)
            executor->closer->empty(executor->closer);
    }
    roosti_lock_drop(&executor->lock);
    return next;
}

/* True: called. False: nobody has for a long time, and it is off all lists but `gone`. */
static bool hand_sleep(roost_executor *executor, struct roosti_hand *hand)
{
    roost_time until = roost_time_add(roosti_clock_now(), executor->idle_max);
    for (;;) {
        uint32_t looks = HAND_LOOKS;
        (void)roosti_atomic_cas(&hand->word, &looks, HAND_SLEEPS, ROOSTI_RELAXED);
        if (roosti_atomic_load(&hand->word, ROOSTI_ACQUIRE) == HAND_CALLED)
            return true;
        if (roosti_clock_now() >= until)
            break;
        roosti_word_wait(&hand->word, HAND_SLEEPS, until);
    }
    roosti_lock_take(&executor->lock);
    bool leaves = hand->idle;
    if (leaves) {
        idle_remove(executor, hand);
        hand_unlink(&executor->hands, hand);
        hand_link(&executor->gone, hand);
        executor->stats.threads--;
    } else {
        /* Who took it off the list is about to call it. */
        until = ROOST_NEVER;
    }
    roosti_lock_drop(&executor->lock);
    while (!leaves && roosti_atomic_load(&hand->word, ROOSTI_ACQUIRE) != HAND_CALLED)
        roosti_word_wait(&hand->word, HAND_SLEEPS, until);
    return !leaves;
}

/* True: called. */
static bool hand_look_out(const roost_executor *executor, struct roosti_hand *hand)
{
    if (!executor->may_spin)
        return false;
    if (hand->spin_rest > 0) {
        hand->spin_rest--;
        return false;
    }
    uint64_t began = roosti_ticks();
    do {
        for (int i = 0; i < 8; i++) {
            if (roosti_atomic_load(&hand->word, ROOSTI_ACQUIRE) == HAND_CALLED) {
                hand->spin_misses = 0;
                return true;
            }
            roosti_spin_hint();
        }
    } while (roosti_ticks_to_ns(roosti_ticks() - began) < HAND_SPIN_NS);
    if (hand->spin_misses < HAND_SPIN_MISSES_MAX)
        hand->spin_misses++;
    hand->spin_rest = (1u << hand->spin_misses) - 1;
    return false;
}

/* Waits for the job after one that is done; false: it is to go. */
static bool hand_wait(roost_executor *executor, struct roosti_hand *hand, bool has_job)
{
    if (executor->lockstep)
        roosti_stepper_yield(&hand->stepper);
    else if (!has_job && !hand_look_out(executor, hand) && !hand_sleep(executor, hand))
        return false;
    return hand->job;
}

static void hand_body(void *arg)
{
    struct roosti_hand *hand = arg;
    roost_executor *executor = hand->executor;
    roosti_atomic_store(&hand->thread_id, roosti_thread_self(), ROOSTI_RELAXED);
    if (executor->lockstep)
        roosti_stepper_begin(&hand->stepper);
    bool has_job;
    do {
        struct roosti_job *job = hand->job;
        job->work(job);
        has_job = hand_turn_over(executor, hand, job);
        if (executor->lockstep && has_job)
            roosti_stepper_ready(&hand->stepper);
        job->done(job);
    } while (hand_wait(executor, hand, has_job));
    if (executor->lockstep)
        roosti_stepper_end(&hand->stepper);
}

/* -- from outside -------------------------------------------------------------------------------*/

int roosti_hand_start(roost_executor *executor, struct roosti_job *job)
{
    struct roosti_hand *hand = roosti_alloc(sizeof *hand, "a worker thread");
    if (!hand)
        return ROOST_ENOMEM;
    *hand = (struct roosti_hand){.executor = executor, .job = job};
    roosti_stepper_init(&hand->stepper, executor->lockstep, &executor->rng);
    int rc = roosti_thread_start(&hand->thread, executor->name, -1, hand_body, hand);
    if (rc < 0) {
        roosti_free(hand);
        return rc;
    }
    hand_link(&executor->hands, hand);
    job->hand = hand;
    if (executor->lockstep)
        roosti_stepper_ready(&hand->stepper);
    return 0;
}

void roosti_hand_call(struct roosti_hand *hand)
{
    struct roosti_job *job = hand->job;
    if (hand->executor->lockstep && job)
        roosti_stepper_ready(&hand->stepper);
    else if (hand->executor->lockstep)
        roosti_stepper_step(&hand->stepper);
    else if (roosti_atomic_swap(&hand->word, HAND_CALLED, ROOSTI_ACQ_REL) == HAND_SLEEPS)
        roosti_word_wake(&hand->word);
}

void roosti_hands_join(struct roosti_hand *hands)
{
    while (hands) {
        struct roosti_hand *next = hands->next;
        roosti_thread_join(&hands->thread);
        roosti_free(hands);
        hands = next;
    }
}
