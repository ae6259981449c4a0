/* tests/unit/io/test_file_lock.c - locks between openings; on ROOST_TEST_BACKENDS without sim.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

struct two {
    roost_file *a;
    roost_file *b;
};

static bool two_open(const roost_temp *world, struct two *two)
{
    return put(in(world, "f"), "x") && roost_file_open(in(world, "f"), "r+", NULL, &two->a) == 0 &&
           roost_file_open(in(world, "f"), "r+", NULL, &two->b) == 0;
}

static void two_close(const struct two *two)
{
    roost_ignore(roost_file_close(two->a));
    roost_ignore(roost_file_close(two->b));
}

ROOST_TEST(openings_exclude_each_other)
{
    WORLD(world);
    struct two two = {NULL, NULL};
    if (two_open(&world, &two)) {
        CHECK_EQ(0, roost_file_lock(two.a, ROOST_LOCK_SHARED));
        CHECK_EQ(0, roost_file_try_lock(two.b, ROOST_LOCK_SHARED));
        CHECK_EQ(ROOST_EAGAIN, roost_file_try_lock(two.b, ROOST_LOCK_EXCLUSIVE));
        CHECK_EQ(0, roost_file_unlock(two.a));
        CHECK_EQ(0, roost_file_try_lock(two.b, ROOST_LOCK_EXCLUSIVE));
        CHECK_EQ(ROOST_EAGAIN, roost_file_try_lock(two.a, ROOST_LOCK_SHARED));
        CHECK_EQ(ROOST_EINVAL, roost_file_try_lock(two.a, (enum roost_lock_kind)9));
    }
    two_close(&two);
}

ROOST_ASYNC(let_go_soon, roost_file *, file)
{
    ROOST_TRY(roost_sleep(ROOST_MS(3)));
    return roost_file_unlock(file);
}

ROOST_TEST(who_waits_gets_it_in_the_end)
{
    WORLD(world);
    struct two two = {NULL, NULL};
    int rc = 0;
    if (two_open(&world, &two)) {
        CHECK_EQ(0, roost_file_lock(two.a, ROOST_LOCK_EXCLUSIVE));
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, let_go_soon, two.a);
            CHECK_EQ(0, ROOST_WITHIN(ROOST_MS(500), roost_file_lock(two.b, ROOST_LOCK_EXCLUSIVE)));
        }
    }
    two_close(&two);
}

ROOST_TEST(waiting_ends_with_the_deadline)
{
    WORLD(world);
    struct two two = {NULL, NULL};
    if (two_open(&world, &two)) {
        CHECK_EQ(0, roost_file_lock(two.a, ROOST_LOCK_EXCLUSIVE));
        CHECK_EQ(ROOST_ETIMEDOUT,
                 ROOST_WITHIN(ROOST_MS(4), roost_file_lock(two.b, ROOST_LOCK_SHARED)));
        CHECK_EQ(ROOST_EAGAIN, roost_file_try_lock(two.b, ROOST_LOCK_SHARED));
    }
    two_close(&two);
}
