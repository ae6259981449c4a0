/* sync/rate.c - the token bucket, in whole numbers.
 *
 * With count / per in lowest terms as gain / cost, a nanosecond brings `gain` units and a token
 * costs `cost` of them. Both are whole, so the level is exact at every nanosecond and never drifts;
 * only the instant at which a token is there is rounded, up to the next nanosecond, and what came
 * beyond the token by then stays in the level, be the bucket ever so small.
 *
 * One timer per rate, armed while somebody waits: for the instant the first in line has enough.
 * Served are those at the head as far as the level reaches; then the timer is armed anew.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/rate.h>

#include "rt/loop.h"
#include "rt/waitq.h"

/* Levels and capacities stay below this, so that sums of two of them do not overflow. */
#define RATE_CAPACITY_MAX ((uint64_t)1 << 62)

static uint64_t rate_common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int roost_rate_init(roost_rate *rate, const roost_rate_opts *opts)
{
    if (!opts || opts->count == 0 || opts->per < 0)
        return ROOST_EINVAL;
    uint64_t per = opts->per ? (uint64_t)opts->per : (uint64_t)ROOST_SEC(1);
    uint64_t divisor = rate_common_divisor(opts->count, per);
    uint32_t burst = opts->burst ? opts->burst : opts->count;
    uint64_t capacity;
    if (__builtin_mul_overflow(per / divisor, burst, &capacity) || capacity > RATE_CAPACITY_MAX)
        return ROOST_EINVAL;
    *rate = (roost_rate){.priv = {.level = capacity,
                                  .cost = per / divisor,
                                  .gain = opts->count / divisor,
                                  .capacity = capacity,
                                  .burst = burst}};
    return 0;
}

/* What the bucket holds at `now`. While somebody waits, up to a nanosecond's worth may lie on top:
 * it came between the instant the token was there and the whole nanosecond after it. The clock of a
 * later run may have begun anew. */
static uint64_t rate_level(const roost_rate *rate, roost_time now)
{
    uint64_t most = rate->priv.capacity + (rate->priv.waiters.first ? rate->priv.gain - 1 : 0);
    uint64_t gained = 0;
    if (rate->priv.level >= most ||
        (now > rate->priv.at &&
         (__builtin_mul_overflow((uint64_t)(now - rate->priv.at), rate->priv.gain, &gained) ||
          gained >= most - rate->priv.level)))
        return most;
    return rate->priv.level + gained;
}

static void rate_refill(roost_rate *rate)
{
    roost_time now = roost_now();
    rate->priv.level = rate_level(rate, now);
    rate->priv.at = now;
}

static void rate_take(roost_rate *rate, uint32_t count)
{
    rate->priv.level -= count * rate->priv.cost;
    rate->priv.granted += count;
}

static void rate_fired(struct roost_impl_timer *timer);

/* Arms the timer for the instant the first in line has enough; the level is as of now. It may be
 * armed already: waking tells the instruments, and when one of them cancels who is next in line
 * that one arms it on leaving. */
static void rate_arm(struct roosti_loop *loop, roost_rate *rate)
{
    roosti_timer_cancel(&loop->timers, &rate->priv.timer);
    uint64_t lack = rate->priv.waiters.first->want * rate->priv.cost - rate->priv.level;
    uint64_t wait = lack / rate->priv.gain + (lack % rate->priv.gain != 0);
    rate->priv.timer.fire = rate_fired;
    roosti_timer_arm(&loop->timers, &rate->priv.timer,
                     roost_time_add(rate->priv.at, (roost_dur)wait));
}

/* Serves those at the head as far as the level reaches, and arms the timer for the next. */
static void rate_serve(struct roosti_loop *loop, roost_rate *rate)
{
    struct roost_impl_waiter *waiter;
    roosti_timer_cancel(&loop->timers, &rate->priv.timer);
    if (!rate->priv.waiters.first)
        return;
    rate_refill(rate);
    while ((waiter = rate->priv.waiters.first) != NULL) {
        if (waiter->want * rate->priv.cost > rate->priv.level) {
            rate_arm(loop, rate);
            return;
        }
        roosti_waitq_remove(&rate->priv.waiters, waiter);
        rate_take(rate, waiter->want);
        roosti_wake(waiter->task, 0);
    }
}

static void rate_fired(struct roost_impl_timer *timer)
{
    rate_serve(roosti_loop_here, roosti_container(timer, roost_rate, priv.timer));
}

/* When the first in line leaves, the timer belongs to the next. */
static bool rate_abort(struct roost_task *task)
{
    roost_rate *rate = task->wait.on;
    bool was_first = rate->priv.waiters.first == task->wait.waiter;
    roosti_waitq_remove(&rate->priv.waiters, task->wait.waiter);
    if (was_first)
        rate_serve(task->loop, rate);
    return true;
}

static inline bool rate_never_has(const roost_rate *rate, uint32_t count)
{
    return count == 0 || count > rate->priv.burst;
}

/* Takes the tokens if they are there and nobody is in line. */
static bool rate_try(roost_rate *rate, uint32_t count)
{
    if (rate->priv.waiters.first)
        return false;
    rate_refill(rate);
    if (count * rate->priv.cost > rate->priv.level)
        return false;
    rate_take(rate, count);
    return true;
}

int roost_rate_acquire(roost_rate *rate)
{
    return roost_rate_acquire_many(rate, 1);
}

int roost_rate_acquire_many(roost_rate *rate, uint32_t count)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    struct roosti_loop *loop = task->loop;
    int rc = roosti_loop_owns(loop, &rate->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(loop, task);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(rate_never_has(rate, count)))
        return ROOST_EINVAL;
    if (rate_try(rate, count))
        return 0;
    struct roost_impl_waiter waiter = {.task = task, .want = count};
    bool first = !rate->priv.waiters.first;
    roosti_waitq_push(&rate->priv.waiters, &waiter);
    if (first)
        rate_arm(loop, rate);
    task->wait.waiter = &waiter;
    return roosti_park(task, rate_abort, "rate", rate);
}

int roost_rate_try_acquire(roost_rate *rate)
{
    return roost_rate_try_acquire_many(rate, 1);
}

int roost_rate_try_acquire_many(roost_rate *rate, uint32_t count)
{
    int rc = roosti_here_owns(&rate->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(rate_never_has(rate, count)))
        return ROOST_EINVAL;
    return rate_try(rate, count) ? 0 : ROOST_EAGAIN;
}

/* Sends away whoever waits for more than a bucket ever holds. */
static void rate_send_away(roost_rate *rate)
{
    struct roost_impl_waiter *at = rate->priv.waiters.first;
    while (at) {
        struct roost_impl_waiter *next = at->next;
        if (at->want > rate->priv.burst) {
            roosti_waitq_remove(&rate->priv.waiters, at);
            roosti_wake(at->task, ROOST_EINVAL);
            next = rate->priv.waiters.first; /* an instrument may have cancelled the next one */
        }
        at = next;
    }
}

int roost_rate_set(roost_rate *rate, const roost_rate_opts *opts)
{
    roost_rate fresh;
    int rc = roosti_here_owns(&rate->priv.loop_id);
    if (rc < 0)
        return rc;
    rc = roost_rate_init(&fresh, opts);
    if (rc < 0)
        return rc;
    rate_refill(rate);
    /* The level in units of the new rate; both factors are below 2^63. */
    __extension__ unsigned __int128 level =
        (unsigned __int128)rate->priv.level * fresh.priv.cost / rate->priv.cost;
    rate->priv.level = level < fresh.priv.capacity ? (uint64_t)level : fresh.priv.capacity;
    rate->priv.cost = fresh.priv.cost;
    rate->priv.gain = fresh.priv.gain;
    rate->priv.capacity = fresh.priv.capacity;
    rate->priv.burst = fresh.priv.burst;
    rate_send_away(rate);
    rate_serve(roosti_loop_here, rate);
    return 0;
}

void roost_rate_stats_get(const roost_rate *rate, roost_rate_stats *stats)
{
    uint32_t waiting = roosti_waitq_count(&rate->priv.waiters);
    uint64_t level = rate_level(rate, roost_now());
    *stats = (roost_rate_stats){.granted = rate->priv.granted,
                                .available = waiting > 0 ? 0 : (uint32_t)(level / rate->priv.cost),
                                .waiting = waiting};
}
