/* rt/yield.c - roost_yield: as a function, and the short way that its inline half takes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"

static __attribute__((noinline)) int yield_watched(struct roost_task *task)
{
    /* It gives way in any case: once, or it would lose a turn to the others. */
    if (!(task->attn & ROOSTI_ATTN_CANCELLED))
        task->loop->op_credit = ROOSTI_OP_CREDIT;
    int rc = roosti_op_begin_slow(task);
    if (rc < 0)
        return rc;
    roosti_give_turn(task);
    task->refusals = 0;
    return 0;
}

int roost_yield(void)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    if (roosti_unlikely(task->attn))
        return yield_watched(task);
    struct roosti_loop *loop = task->loop;
    task->wake_rc = 0;
    roosti_run_push(loop, task);
    return roosti_switch_away(loop, task);
}

#ifdef ROOSTI_FIBER_SHORT
/* In arch/yield_x86_64.S. */
int roosti_yield_jump(void **from_sp, void *to_sp, int value);
int roosti_yield_short(void);

/* All but the plain case goes by the function, for which the stack has to be aligned first. */
static __attribute__((noinline, force_align_arg_pointer)) int yield_long(void)
{
    return roost_yield();
}

/* The plain case, reached from roost_impl_yield with a stack of any alignment: only leaves by tail
 * calls. The queue is never empty in between. */
__attribute__((used)) int roosti_yield_short(void)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roost_task *task = roosti_self();
    if (ROOSTI_FIBER_HOOKED || roosti_unlikely(!task || task->attn))
        return yield_long();
    struct roost_task *next = loop->run_first;
    if (roosti_unlikely(!next || loop->budget <= 0))
        return yield_long();
    loop->budget--;
    task->wake_rc = 0;
    roosti_run_push(loop, task);
    loop->run_first = next->run_next;
    task->errno_kept = *loop->errno_place;
    roosti_run_begin(loop, next);
    return roosti_yield_jump(&task->fiber.sp, next->fiber.sp, next->wake_rc);
}
#endif
