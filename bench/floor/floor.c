/* bench/floor/floor.c - the suite `micro` on the hand-written scheduler and timer heap of tiny.h.
 *
 * The figures bound what any design can reach: they are the work itself, without scopes, errors,
 * statistics or checks.
 *
 * SPDX-License-Identifier: MIT */
#include "floor/tiny.h"

#include "meter.h"

#define ARMED 100000
#define PARKED 100000
#define WARM 1000

__asm__(".text\n"
        ".globl tiny_entry\n"
        ".type tiny_entry, @function\n"
        "tiny_entry:\n\t"
        "movq %rsi, %rdi\n\t"
        "xorl %ebp, %ebp\n\t"
        "call tiny_task_main\n\t"
        "ud2\n"
        ".size tiny_entry, .-tiny_entry\n");

void tiny_task_main(struct tiny_task *t)
{
    struct tiny *y = t->tiny;
    t->fn(y, t->arg);
    t->done = 1;
    if (t->joiner != NULL)
        tiny_push(y, t->joiner);
    /* Nothing runs between here and the switch, so the stack may be given away while it is still in
     * use. */
    t->next = y->idle;
    y->idle = t;
    tiny_leave(y);
    abort();
}

static void yielder(struct tiny *y, void *arg)
{
    for (long i = *(long *)arg; i > 0; i--)
        tiny_yield(y);
}

static void yield_both(struct tiny *y, long each)
{
    struct tiny_task *a = tiny_spawn(y, yielder, &each);
    struct tiny_task *b = tiny_spawn(y, yielder, &each);
    tiny_join(y, a);
    tiny_join(y, b);
}

static int run_yield(const char *name, long n)
{
    struct tiny y;
    if (tiny_init(&y, 2) != 0)
        return -1;
    yield_both(&y, n / 20 + 1);
    int64_t start = bench_cpu_ns();
    yield_both(&y, n / 2 + 1);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)(2 * (n / 2 + 1)));
    return 0;
}

static void empty(struct tiny *y, void *arg)
{
    (void)y;
    bench_keep((uintptr_t)arg);
}

static void spawn_join(struct tiny *y, long n)
{
    for (; n > 0; n--)
        tiny_join(y, tiny_spawn(y, empty, NULL));
}

static int run_spawn_join(const char *name, long n)
{
    struct tiny y;
    if (tiny_init(&y, 1) != 0)
        return -1;
    spawn_join(&y, n / 10 + 1);
    int64_t start = bench_cpu_ns();
    spawn_join(&y, n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    return 0;
}

/* What the parked tasks of a case share; they wait in a list until the main task wakes them. */
struct lot {
    struct tiny_task *parked;
    struct tiny_task *waiter;
    long left;
};

static void parker(struct tiny *y, void *arg)
{
    struct lot *lot = arg;
    struct tiny_task *self = y->current;
    self->next = lot->parked;
    lot->parked = self;
    tiny_leave(y);
    if (self->cancelled && --lot->left == 0)
        tiny_push(y, lot->waiter);
}

/* Spawns n tasks and lets each run until it is parked. */
static void park(struct tiny *y, struct lot *lot, long n)
{
    lot->left += n;
    for (long i = 0; i < n; i++)
        (void)tiny_spawn(y, parker, lot);
    tiny_yield(y);
}

/* Cancels every parked task and returns when the last has finished. */
static void cancel(struct tiny *y, struct lot *lot)
{
    struct tiny_task *t = lot->parked;
    lot->parked = NULL;
    lot->waiter = y->current;
    while (t != NULL) {
        struct tiny_task *next = t->next;
        t->cancelled = 1;
        tiny_push(y, t);
        t = next;
    }
    tiny_leave(y);
}

static int run_spawn_cold(const char *name, long n)
{
    struct tiny y;
    struct lot lot = {0};
    if (tiny_init(&y, (size_t)n + WARM) != 0)
        return -1;
    park(&y, &lot, WARM);
    int64_t start = bench_cpu_ns();
    park(&y, &lot, n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    cancel(&y, &lot);
    return lot.left == 0 ? 0 : -1;
}

static int run_cancel_parked(const char *name, long n)
{
    struct tiny y;
    struct lot lot = {0};
    if (tiny_init(&y, (size_t)n) != 0)
        return -1;
    park(&y, &lot, WARM < n ? WARM : n);
    cancel(&y, &lot);
    park(&y, &lot, n);
    int64_t start = bench_wall_ns();
    cancel(&y, &lot);
    bench_print(name, "total_ms", (double)(bench_wall_ns() - start) / 1e6);
    return lot.left == 0 ? 0 : -1;
}

/* A scope that only knows its parent and whether it was cancelled: the least a timeout block can
 * be. */
struct scope {
    struct scope *parent;
    struct tiny_timer timer;
    int cancelled;
};

static __attribute__((noinline)) int checked_operation(struct scope *inner)
{
    __asm__ volatile("" : "+r"(inner) : : "memory");
    return inner->cancelled ? -1 : 0;
}

static int timeout_block(struct tiny_heap *heap, struct scope **inner, int64_t now)
{
    struct scope s = {.parent = *inner};
    *inner = &s;
    tiny_timer_arm(heap, &s.timer, now + 1000000000);
    int rc = checked_operation(*inner);
    tiny_timer_cancel(heap, &s.timer);
    *inner = s.parent;
    return rc;
}

static int run_timeout_ready(const char *name, long n)
{
    struct tiny_heap_entry entries[4];
    struct tiny_heap heap = {.entries = entries};
    struct scope *inner = NULL;
    int64_t now = bench_wall_ns();
    int refused = 0;
    for (long i = n / 10; i > 0; i--)
        refused += timeout_block(&heap, &inner, now);
    int64_t start = bench_cpu_ns();
    for (long i = n; i > 0; i--)
        refused += timeout_block(&heap, &inner, now);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    return refused;
}

static int refused_block(struct scope **inner)
{
    struct scope s = {.parent = *inner};
    *inner = &s;
    s.cancelled = 1;
    int rc = checked_operation(*inner);
    *inner = s.parent;
    return rc;
}

static int run_first_refusal(const char *name, long n)
{
    struct scope *inner = NULL;
    long refused = 0;
    int64_t start = bench_cpu_ns();
    for (long i = n; i > 0; i--)
        refused -= refused_block(&inner);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    return refused == n ? 0 : -1;
}

static void arm_cancel(struct tiny_heap *heap, const int64_t *deadlines, long n)
{
    struct tiny_timer t;
    for (; n > 0; n--) {
        tiny_timer_arm(heap, &t, deadlines[n % BENCH_DEADLINES]);
        tiny_timer_cancel(heap, &t);
    }
}

static int run_timer(const char *name, long n)
{
    struct tiny_timer *timers = calloc(ARMED, sizeof *timers);
    struct tiny_heap heap = {.entries = calloc(ARMED + 1, sizeof *heap.entries)};
    int64_t deadlines[BENCH_DEADLINES];
    if (timers == NULL || heap.entries == NULL)
        return -1;
    uint64_t seed = bench_deadlines(deadlines);
    for (size_t i = 0; i < ARMED; i++)
        tiny_timer_arm(&heap, &timers[i], bench_deadline(&seed));
    arm_cancel(&heap, deadlines, n / 10 + 1);
    int64_t start = bench_cpu_ns();
    arm_cancel(&heap, deadlines, n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    int rc = heap.count == ARMED ? 0 : -1;
    free(heap.entries);
    free(timers);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"yield", run_yield, 60000000},
        {"spawn_join", run_spawn_join, 20000000},
        {"spawn_cold", run_spawn_cold, 50000},
        {"timeout_ready", run_timeout_ready, 30000000},
        {"timer_arm_cancel_100000", run_timer, 20000000},
        {"cancel_parked_100000", run_cancel_parked, PARKED},
        {"first_refusal", run_first_refusal, 50000000},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], NULL);
}
