/* tests/api/cplusplus/all_macros.cc - a C++ program that uses each macro of the headers, and checks
 * what comes out of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <cstdio>

#include <roost.h>

#include "api/cplusplus/half.h"

namespace
{

struct point {
    int x;
    int y;
};

ROOST_ASYNC(nothing)
{
    return roost_checkpoint();
}

ROOST_ASYNC(give, int, value)
{
    ROOST_TRY(roost_sleep(ROOST_US(10)));
    return value;
}

ROOST_ASYNC(twice, int, value, int *, out)
{
    ROOST_TRY(roost_yield());
    *out = 2 * value;
    return 0;
}

ROOST_ASYNC(move_by, point, from, int, dx, point &, to)
{
    to = point{from.x + dx, from.y};
    return roost_yield();
}

ROOST_ASYNC(wide, int, a, int, b, int, c, int, d, int, e, int, f, int, g, int, h)
{
    return a + b + c + d + e + f + g + h;
}

ROOST_ASYNC(count_to, roost_gen *, gen, int, n)
{
    for (int i = 1; i <= n; i++)
        ROOST_TRY(roost_gen_yield(gen, &i));
    return 0;
}

ROOST_SUSPENDS int fetch(void *arg, roost_page *page)
{
    (void)arg;
    *static_cast<int *>(page->items) = static_cast<int>(page->number);
    page->last = page->number == 2;
    return 1;
}

#define EXPECT(want, got) ROOST_TRY(expect((want), (got), __LINE__))

int expect(long want, long got, int line)
{
    if (want == got)
        return 0;
    std::printf("line %d: want %ld, got %ld\n", line, want, got);
    return ROOST_EINVAL;
}

ROOST_ASYNC(tasks)
{
    int rc = 0;
    int out = 0;
    int result = 0;
    point to = {0, 0};
    ROOST_GROUP(g, rc) {
        roost_task *task = nullptr;
        ROOST_GO(g, nothing);
        ROOST_GO(g, twice, 4, &out);
        ROOST_GO(g, move_by, point{1, 2}, 3, to);
        ROOST_TRY(ROOST_SPAWN(&task, g, wide, 1, 2, 3, 4, 5, 6, 7, 8));
        ROOST_TRY(roost_join(task, &result));
    }
    EXPECT(0, rc);
    EXPECT(8, out);
    EXPECT(36, result);
    EXPECT(4, to.x);

    roost_group_opts opts = {};
    opts.policy = ROOST_COLLECT;
    ROOST_GROUP_WITH(g, rc, &opts)
        ROOST_GO(g, give, -5);
    EXPECT(-5, rc);
    return 0;
}

ROOST_ASYNC(scopes)
{
    int rc = 0;
    EXPECT(7, ROOST_WITHIN(ROOST_SEC(5), give(7)));
    EXPECT(ROOST_ETIMEDOUT, ROOST_WITHIN(0, give(7)));
    ROOST_TIMEOUT(rc, ROOST_MS(1))
        rc = roost_sleep_forever();
    EXPECT(ROOST_ETIMEDOUT, rc);
    rc = 0;
    ROOST_MOVE_ON(rc, ROOST_MS(1))
        rc = roost_sleep_forever();
    EXPECT(0, rc);
    ROOST_CLEANUP(ROOST_SEC(1))
        rc = give(3);
    EXPECT(3, rc);
    return 0;
}

ROOST_ASYNC(calls)
{
    int codes[2] = {1, 1};
    EXPECT(9, roost_await(ROOST_CALL(give, 9)));
    EXPECT(9, roost_wait_for(ROOST_CALL(give, 9), ROOST_SEC(1)));
    EXPECT(5, roost_retry(nullptr, ROOST_CALL(give, 5)));
    EXPECT(0, ROOST_GATHER(codes, ROOST_CALL(give, 4), ROOST_CALL(nothing)));
    EXPECT(4, codes[0]);

    ROOST_CALL_NAMED(first, give, 11);
    ROOST_CALL_NAMED(second, nothing);
    EXPECT(11, roost_await(first));
    EXPECT(11, roost_await(first));
    const roost_call both[] = {first, second};
    int sum = 0;
    int rc = 0;
    int result = 0;
    size_t index = 0;
    ROOST_AS_COMPLETED(index, result, both, 2, rc)
        sum += result;
    EXPECT(0, rc);
    EXPECT(11, sum);
    EXPECT(14, half_of_it(28));
    EXPECT(14, roost_await(ROOST_CALL(half_of_it, 28)));
    return 0;
}

ROOST_ASYNC(maps)
{
    const int items[3] = {1, 2, 3};
    int out[3] = {};
    roost_map_opts opts = {};
    opts.limit = 2;
    EXPECT(0, roost_map(twice, items, 3, out));
    EXPECT(6, out[2]);
    EXPECT(0, roost_map(twice, items, 2, out, &opts));
    EXPECT(0, ROOST_MAP(i, 3, nullptr, twice, items[i] + 1, &out[i]));
    EXPECT(8, out[2]);
    EXPECT(0, ROOST_MAP(i, 3, &opts, nothing));
    EXPECT(0, roost_cpu_map(twice, items, 0, out));
    size_t seen = 0;
    ROOST_EACH_BATCH(from, count, 5, 2)
        seen += from + count;
    EXPECT(11, static_cast<long>(seen));
    return 0;
}

ROOST_ASYNC(iterators)
{
    int rc = 0;
    int sum = 0;
    ROOST_GEN(numbers, int, count_to, 4);
    ROOST_FOREACH(int, number, &numbers->iter, rc)
        sum += number;
    EXPECT(0, rc);
    EXPECT(10, sum);

    ROOST_PAGINATE(pages, int, nullptr, fetch, nullptr);
    ROOST_FOREACH(int, number, &pages->iter, rc) {
        if (number == 2)
            break;
        sum += number;
    }
    EXPECT(0, rc);
    EXPECT(11, sum);

    const point points[2] = {{1, 2}, {3, 4}};
    roost_iter_stage stage;
    ROOST_FOREACH(point, at, roost_iter_array(&stage, points, 2, sizeof points[0]), rc)
        sum += at.y;
    EXPECT(17, sum);

    struct numbered {
        uint64_t number;
        point at;
    };
    roost_iter_stage count;
    ROOST_FOREACH(numbered, one,
                  roost_iter_enumerate(&count,
                                       roost_iter_array(&stage, points, 2, sizeof points[0]),
                                       ROOST_PAIR(numbered, number, at), 5),
                  rc)
        sum += static_cast<int>(one.number);
    EXPECT(28, sum);
    return 0;
}

ROOST_ASYNC(locks)
{
    int rc = 0;
    int blocks = 0;
    roost_mutex mutex = ROOST_MUTEX_INIT;
    roost_cond cond = ROOST_COND_INIT;
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    roost_sem sem = ROOST_SEM_INIT(1);
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    ROOST_LOCK(&mutex, rc) {
        ROOST_COND_WAIT_UNTIL(rc, &cond, &mutex, true);
        blocks++;
    }
    ROOST_READ_LOCK(&rwlock, rc)
        blocks++;
    ROOST_WRITE_LOCK(&rwlock, rc)
        blocks++;
    ROOST_PERMIT(&sem, rc)
        blocks++;
    ROOST_BORROW(&limiter, rc)
        blocks++;
    EXPECT(0, rc);
    EXPECT(5, blocks);

    roost_case cases[] = {ROOST_CASE_AFTER(ROOST_SEC(60)), ROOST_CASE_LOCK(&mutex)};
    EXPECT(1, roost_select(cases, 2));
    roost_mutex_unlock(&mutex);

    ROOST_AUTO(future) roost_future *future = nullptr;
    ROOST_TRY(roost_future_new(sizeof(int), &future));
    int value = 21;
    ROOST_TRY(roost_future_set(future, &value));
    value = 0;
    EXPECT(0, roost_future_wait(future, &value));
    EXPECT(21, value);
    return 0;
}

} // namespace

ROOST_MAIN(argc, argv)
{
    EXPECT(1, argc);
    ROOST_TRY(tasks());
    ROOST_TRY(scopes());
    ROOST_TRY(calls());
    ROOST_TRY(maps());
    ROOST_TRY(iterators());
    ROOST_TRY(locks());
    std::printf("%s says so\n", argv[0] ? "C++" : "nobody");
    return 0;
}
