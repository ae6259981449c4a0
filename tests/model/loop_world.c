/* tests/model/loop_world.c - a loop in a model: what stands in for the kernel and for the rest of
 * the runtime.
 *
 * SPDX-License-Identifier: MIT
 */
#include "model/loop_world.h"

#include <string.h>

#include "base/atomic.h"
#include "model/engine.h"
#include "model/model.h"
#include "port/sim.h"
#include "rt/inbox.h"
#include "rt/probe.h"
#include "rt/refuse.h"
#include "rt/report.h"

enum { WORLDS_MAX = 3 };

static struct model_loop worlds[WORLDS_MAX];
static char world_stacks[WORLDS_MAX][MODEL_STACK_BYTES] __attribute__((aligned(64)));
struct roosti_run model_run;

/* -- the port ---------------------------------------------------------------------------------- */

void roosti_posix_ring(struct roosti_posix *posix)
{
    struct model_port *port = roosti_container(posix, struct model_port, posix);
    (void)roosti_atomic_swap(&port->bell, 1, ROOSTI_RELAXED);
    roosti_word_wake(&port->bell);
}

/* As the real ones do: what wakes them tells nothing but that they are to look. */
static int port_wait(struct roosti_port *base, roost_time deadline)
{
    struct model_port *port = roosti_container(base, struct model_port, posix.port);
    /* A task that takes turns until something changes. */
    if (roosti_container(port, struct model_loop, port)->loop.run_first)
        model_yield("a turn");
    if (deadline > model_now() && roosti_posix_sleep(&port->posix))
        while (!roosti_atomic_swap(&port->bell, 0, ROOSTI_RELAXED) && deadline > model_now())
            roosti_word_wait(&port->bell, 0, deadline);
    roosti_posix_awake(&port->posix);
    return 0;
}

static roost_time port_now(struct roosti_port *base)
{
    (void)base;
    return model_now();
}

static size_t port_in_flight(const struct roosti_port *base)
{
    (void)base;
    return 0;
}

static void port_close(struct roosti_port *base)
{
    struct model_port *port = roosti_container(base, struct model_port, posix.port);
    port->posix.port.ops = NULL; /* whoever still wakes it races with this, or finds nothing */
}

static const struct roosti_port_ops port_ops = {.name = "model",
                                                .wait = port_wait,
                                                .wake = roosti_posix_wake,
                                                .now = port_now,
                                                .in_flight = port_in_flight,
                                                .close = port_close};

/* -- life -------------------------------------------------------------------------------------- */

static unsigned world_count;

struct model_loop *model_loop_new(void)
{
    struct model_loop *world = &worlds[world_count++];
    static const roost_run_opts opts;
    *world = (struct model_loop){.stack = world_stacks[world - worlds]};
    world->port.posix.port.ops = &port_ops;
    int rc = roosti_loop_init(&world->loop, &world->port.posix.port, &opts);
    model_check(rc == 0);
    world->loop.id = world_count;
    world->loop.run = &model_run;
    model_stack(world->stack, MODEL_STACK_BYTES);
    model_stack_pointer(&world->loop.root.sp);
    model_stack_pointer(&world->task.fiber.sp);
    world->task.scope = &world->task.root;
    world->loop.op_credit = 1 << 20; /* no turn is given because of many calls */
    return world;
}

void model_world_begin(void)
{
    world_count = 0;
    model_run = (struct roosti_run){0};
}

roost_poster *model_loop_poster(struct model_loop *world)
{
    roost_poster *poster = NULL;
    roosti_loop_here = &world->loop;
    world->loop.current = &world->task;
    world->task.loop = &world->loop;
    model_check(roost_poster_open(&poster) == 0);
    world->loop.current = NULL;
    roosti_loop_here = NULL;
    return poster;
}

static void world_task(void *arg)
{
    struct model_loop *world = arg;
    struct roosti_loop *loop = &world->loop;
    roosti_fiber_entered(&world->task.fiber);
    world->body(world->arg);
    world->ended = true;
    loop->tasks_ended++;
    loop->current = NULL;
    roosti_fiber_leave(&world->task.fiber, &loop->root, 0);
}

void model_loop_begin(struct model_loop *world, void (*body)(void *arg), void *arg)
{
    struct roosti_loop *loop = &world->loop;
    struct roost_task *task = &world->task;
    world->body = body;
    world->arg = arg;
    roosti_loop_here = loop;
    loop->errno_place = roosti_host_errno_place();
    task->loop = loop;
    char *top = world->stack + MODEL_STACK_BYTES;
    roosti_fiber_make(&task->fiber, world->stack, top, top, world_task, world);
    loop->task_ids = 1;
    roosti_run_push(loop, task);
}

void model_loop_end(struct model_loop *world)
{
    struct roosti_loop *loop = &world->loop;
    roosti_inbox_close(loop->inbox);
    while (roosti_inbox_pending(loop->inbox))
        roosti_inbox_drain(loop->inbox, SIZE_MAX);
    roosti_loop_here = NULL;
    roosti_loop_fini(loop);
}

void model_loop_run(struct model_loop *world, void (*body)(void *arg), void *arg)
{
    model_loop_begin(world, body, arg);
    while (!world->ended)
        roosti_loop_turn(&world->loop, true);
    model_loop_end(world);
}

void model_loop_cancel(struct model_loop *world)
{
    roosti_task_interrupt(&world->task);
}

/* -- the rest of the runtime ------------------------------------------------------------------- */

void roosti_run_cancel_all(struct roosti_loop *loop, const char *reason)
{
    struct model_loop *world = roosti_container(loop, struct model_loop, loop);
    (void)reason;
    world->cancelled = true;
    roosti_task_interrupt(&world->task);
    if (!loop->run_first)
        model_fail("a loop whose task cannot be cancelled found itself alone");
}

void roosti_run_break_shields(struct roosti_loop *loop)
{
    (void)loop;
}

bool roosti_run_reaches(const struct roosti_loop *loop)
{
    (void)loop;
    return false;
}

bool roosti_run_holds_signals(const struct roosti_loop *loop)
{
    (void)loop;
    return false;
}

const roost_run_opts *roosti_run_opts(const struct roosti_loop *loop)
{
    return &loop->run->opts;
}

int roosti_loop_adopt(struct roosti_loop *loop, uint32_t *stamp)
{
    *stamp = loop->id;
    return 0;
}

int roosti_refuse(struct roost_task *task)
{
    (void)task;
    return ROOST_ECANCELED;
}

void roosti_scopes_arm(struct roost_task *task)
{
    (void)task;
}

void roosti_report(const char *format, ...)
{
    (void)format;
}

void roost_dump_tasks(int fd)
{
    (void)fd;
}

void roosti_sim_expect_foreign(struct roosti_port *port, bool expected)
{
    (void)port;
    (void)expected;
}

void roosti_probe_tell(struct roosti_loop *loop, enum roosti_event event, struct roost_task *task)
{
    (void)loop;
    (void)event;
    (void)task;
}

struct roost_task *roosti_probe_pick(struct roosti_loop *loop)
{
    return roosti_run_pop(loop);
}

int roosti_stacks_open(struct roosti_stacks *stacks, const struct roosti_stacks_opts *opts)
{
    (void)opts;
    *stacks = (struct roosti_stacks){0};
    return 0;
}

void roosti_stacks_close(struct roosti_stacks *stacks)
{
    (void)stacks;
}

void roosti_stacks_trim(struct roosti_stacks *stacks)
{
    (void)stacks;
}

void roosti_timers_init(struct roosti_timers *timers, roost_time now)
{
    (void)timers;
    (void)now;
}

size_t roosti_timers_fire(struct roosti_timers *timers, roost_time now)
{
    (void)timers;
    (void)now;
    return 0;
}

roost_time roosti_timers_next(struct roosti_timers *timers)
{
    (void)timers;
    return ROOST_NEVER;
}

/* -- the machine ------------------------------------------------------------------------------- */

bool roosti_ticks_are_tsc;

uint64_t roosti_ticks_slow(void)
{
    return 0;
}

/* Long enough for the loop to look around after each step. */
roost_dur roosti_ticks_to_ns(uint64_t span)
{
    (void)span;
    return ROOSTI_POLL_NS;
}

int roosti_host_cpu_count(void)
{
    return 1;
}

/* Each thread's own: what a switch keeps there is nobody else's. */
int *roosti_host_errno_place(void)
{
    static int places[MODEL_THREADS];
    return &places[model_engine.current];
}

bool roosti_host_forked(void)
{
    return false;
}

uint64_t roosti_thread_self(void)
{
    return 1;
}

int roosti_thread_backtrace(uint64_t thread_id, void (*heading)(char *text, size_t size))
{
    (void)thread_id;
    (void)heading;
    return 0;
}

void roosti_host_write(int fd, const char *text, size_t len)
{
    (void)fd;
    (void)text;
    (void)len;
}

void roosti_text_add(struct roosti_text *text, const char *format, ...)
{
    (void)text;
    (void)format;
}

roost_time roost_time_add(roost_time time, roost_dur by)
{
    return by > ROOST_NEVER - time ? ROOST_NEVER : time + by;
}
