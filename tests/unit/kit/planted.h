/* tests/unit/kit/planted.h - cases that go wrong on purpose, for the tests of the kit.
 *
 * They exist only in the children that test_kit.c starts: without ROOST_KIT_PLANTED in the
 * environment none is registered.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_UNIT_KIT_PLANTED_H
#define ROOST_TESTS_UNIT_KIT_PLANTED_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "port/host.h"
#include "port/sim.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "rt/waitq.h"

#include "kit/behaviour.h"

#define PLANTED(...) PLANTED_(__VA_ARGS__, )
#define PLANTED_(name, ...)                                                                        \
    static void name(void);                                                                        \
    static roost_test_case planted_##name = {                                                      \
        #name, __FILE__, __LINE__, name, {__VA_ARGS__.end = 0}, NULL};                             \
    __attribute__((constructor)) static void planted_register_##name(void)                         \
    {                                                                                              \
        if (getenv("ROOST_KIT_PLANTED"))                                                           \
            roost_test_register(&planted_##name);                                                  \
    }                                                                                              \
    static void name(void)

/* -- a lock that loses its hand-off ------------------------------------------------------------ */

struct lock {
    bool held;
    struct roost_impl_waitq waiters;
};

static int lock_take(struct lock *lock, bool planted)
{
    struct roost_task *self = roosti_self();
    ROOST_TRY(roosti_op_begin(self->loop, self));
    if (!lock->held) {
        lock->held = true;
        return 0;
    }
    struct roost_impl_waiter waiter = {.task = self};
    int rc = roosti_waitq_park(&lock->waiters, &waiter, roosti_waitq_abort, "planted lock",
                               &lock->waiters);
    /* The lock was handed over before the cancellation came: leaving now loses it. */
    if (planted && rc == 0 && (self->attn & ROOSTI_ATTN_CANCELLED))
        return ROOST_ECANCELED;
    return rc;
}

static void lock_give(struct lock *lock)
{
    if (!roosti_waitq_wake(&lock->waiters, 0))
        lock->held = false;
}

ROOST_ASYNC(lock_user, struct lock *, lock, bool, planted)
{
    for (int i = 0; i < 2; i++) {
        ROOST_TRY(lock_take(lock, planted));
        int rc = roost_sleep(ROOST_MS(1));
        lock_give(lock);
        ROOST_TRY(rc);
    }
    return 0;
}

static void lock_users_run(bool planted)
{
    struct lock lock = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, lock_user, &lock, planted);
    }
    CHECK_OK(rc);
    CHECK(!lock.held);
}

PLANTED(lost_hand_off)
{
    lock_users_run(true);
}

PLANTED(kept_hand_off)
{
    lock_users_run(false);
}

PLANTED(lost_hand_off_allowed, .stalls = true)
{
    lock_users_run(true);
}

/* -- things left behind ------------------------------------------------------------------------ */

PLANTED(leaves_a_block)
{
    void *volatile kept = roosti_alloc(10, "a planted leak");
    CHECK(kept != NULL);
}

PLANTED(leaves_a_descriptor)
{
    CHECK(open("/dev/null", O_RDONLY) >= 0);
}

PLANTED(leaves_a_simulated_descriptor, .needs = "sim")
{
    struct roosti_port *port = roosti_loop_here->port;
    CHECK_OK(roosti_sim_file_put(port, "/planted", "x", 1));
    struct roosti_op op = {.kind = ROOSTI_OP_OPEN, .u.path = "/planted"};
    CHECK_OK(roosti_op_run(&op));
}

/* The second block cannot be had: the first one is forgotten. */
PLANTED(forgets_on_the_way_out)
{
    void *first = roosti_alloc(10, "a first block");
    if (!first)
        return;
    void *second = roosti_alloc(10, "a second block");
    if (!second)
        return;
    roosti_free(second);
    roosti_free(first);
}

/* Nobody looks whether the block is there. */
PLANTED(trusts_the_allocator)
{
    volatile char *block = roosti_alloc(10, "a trusted block");
    block[0] = 1;
    roosti_free((char *)block);
}

/* A read that fails leaves the file open. */
PLANTED(forgets_a_file, .needs = "sim")
{
    char byte;
    struct roosti_port *port = roosti_loop_here->port;
    int rc = roosti_sim_file_put(port, "/planted", "x", 1);
    CHECK_OK(rc);
    struct roosti_op open = {.kind = ROOSTI_OP_OPEN, .u.path = "/planted"};
    int fd = (int)roosti_op_run(&open);
    if (rc < 0 || fd < 0)
        return;
    struct roosti_op read = {.kind = ROOSTI_OP_READ, .fd = fd, .buf = &byte, .len = 1};
    int64_t got = roosti_op_run(&read);
    if (got < 0)
        return;
    port->ops->fd.close(port, fd);
    CHECK_EQ(1, got);
}

/* -- ends that are no ends --------------------------------------------------------------------- */

PLANTED(fails_a_check)
{
    CHECK_EQ(7, 3 + 5);
}

PLANTED(fails_a_check_on_text)
{
    CHECK_STR("one", NULL);
}

PLANTED(fails_a_call)
{
    CHECK_OK(ROOST_ETIMEDOUT);
}

PLANTED(does_not_suspend)
{
    ROOST_ASSERT_YIELDS
    {
        CHECK(true);
    }
}

PLANTED(suspends)
{
    ROOST_NO_YIELD
    {
        CHECK_OK(roost_yield());
    }
}

/* The thread sanitizer delivers signals in calls of libc only, so there is one. */
PLANTED(spins)
{
    volatile bool on = true;
    while (on)
        on = roosti_clock_now() > 0;
}

PLANTED(deadlocks)
{
    roost_ignore(roost_sleep_forever());
}

PLANTED(crashes)
{
    abort();
}

PLANTED(leaves_the_program)
{
    exit(0);
}

PLANTED(skips)
{
    roost_test_skip("nothing is missing");
}

PLANTED(needs_epoll, .needs = "epoll")
{
    CHECK_STR("epoll", roost_backend());
}

PLANTED(is_not_tortured, .no_torture = true)
{
    CHECK(!roost_test_tortured());
}

/* Once cancelled it never ends; each call takes its time, so no guard stops it. */
PLANTED(goes_on)
{
    int rc = roost_sleep(ROOST_MS(1));
    while (rc < 0) {
        ROOST_CLEANUP(ROOST_SEC(1)) {
            roost_ignore(roost_sleep(ROOST_MS(1)));
        }
    }
}

/* Cancelled, it runs into a check of each kind. */
PLANTED(is_judged_always)
{
    int rc = roost_sleep(ROOST_MS(1));
    CHECK_OK(rc);
    CHECK_ALWAYS(rc == 0);
}

/* -- schedules --------------------------------------------------------------------------------- */

ROOST_ASYNC(step_writer, char **, at, char, letter)
{
    for (int i = 0; i < 4; i++) {
        *(*at)++ = letter;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

static void letters_print(void)
{
    char text[32] = "";
    char *at = text;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (char letter = 'a'; letter < 'f'; letter++)
            ROOST_GO(g, step_writer, &at, letter);
    }
    CHECK_OK(rc);
    printf("letters %s\n", text);
}

PLANTED(shuffled)
{
    letters_print();
}

PLANTED(in_order, .fifo = true)
{
    letters_print();
}

PLANTED(unrepeatable)
{
    CHECK_OK(roost_sleep(1 + roosti_clock_now() % 1000000));
}

PLANTED(B07_seven)
{
    CHECK_EQ(1, roost_test_seed());
}

PLANTED(B70_seventy)
{
    CHECK(roost_test_virtual());
}

#endif
