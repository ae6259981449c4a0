/* tests/unit/offload/test_process_pool.c - pools of worker processes: turns, limits, and how they
 * and what made them end.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "port/fiber.h"
#include "unit/offload/workers.h"
#include "unit/rt/process.h"

static roost_process_pool *pool_open(uint32_t workers)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = workers}, &pool));
    return pool;
}

static roost_process_pool_stats pool_stats(roost_process_pool *pool)
{
    roost_process_pool_stats stats = {0};
    CHECK_EQ(0, roost_process_pool_stats_get(pool, &stats));
    return stats;
}

ROOST_ASYNC(call_wait, roost_process_pool *, pool, int, number, int *, result)
{
    *result = roost_to_process(ROOST_CALL(wait_for_go, number), .pool = pool);
    return 0;
}

ROOST_ASYNC(call_add, roost_process_pool *, pool, int, number, int *, sum)
{
    int rc = roost_to_process(ROOST_CALL(give_number, number), .pool = pool);
    if (rc >= 0)
        *sum += rc;
    return rc < 0 ? rc : 0;
}

/* -- turns --------------------------------------------------------------------------------------*/

ROOST_TEST(many_calls_share_few_workers)
{
    roost_process_pool *pool = pool_open(3);
    int sum = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 1; i <= 100; i++)
            ROOST_GO(g, call_add, pool, i, &sum);
    }
    roost_process_pool_stats stats = pool_stats(pool);
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_EQ(0, rc);
    CHECK_EQ(5050, sum);
    CHECK_EQ(100, stats.calls);
    CHECK(stats.started <= 3);
    CHECK_EQ(0, stats.busy);
    CHECK_EQ(0, stats.waiting);
}

struct order {
    int next;
    int ended[8];
};

ROOST_ASYNC(call_in_turn, roost_process_pool *, pool, int, number, struct order *, order)
{
    int rc = roost_to_process(ROOST_CALL(wait_for_go, number), .pool = pool);
    if (rc >= 0)
        order->ended[order->next++] = rc;
    return rc < 0 ? rc : 0;
}

ROOST_TEST(calls_that_wait_for_a_worker_are_made_in_order, .fifo = true)
{
    board_put_up();
    roost_process_pool *pool = pool_open(1);
    struct order order = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 8; i++)
            ROOST_GO(g, call_in_turn, pool, i, &order);
        rc = board_await(1);
        if (!roost_test_virtual())
            CHECK_EQ(7, pool_stats(pool).waiting);
        board_go();
    }
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_EQ(0, rc);
    CHECK_EQ(8, order.next);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(i, order.ended[i]);
}

ROOST_TEST(waiting_for_a_worker_can_be_cancelled)
{
    board_put_up();
    roost_process_pool *pool = pool_open(1);
    int results[3] = {1, 1, 1};
    roost_task *task = NULL;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_wait, pool, 10, &results[0]);
        rc = board_await(1);
        if (rc == 0)
            rc = ROOST_SPAWN(&task, g, call_wait, pool, 11, &results[1]);
        ROOST_GO(g, call_wait, pool, 12, &results[2]);
        if (rc == 0)
            rc = roost_yield();
        if (task) {
            roost_task_cancel(task, "no more need");
            roost_task_drop(task);
        }
        board_go();
    }
    roost_process_pool_stats stats = pool_stats(pool);
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_EQ(10, results[0]);
    CHECK(results[1] == ROOST_ECANCELED || (roost_test_virtual() && results[1] == 11));
    CHECK_EQ(12, results[2]);
    CHECK_EQ(0, stats.busy);
    CHECK_EQ(0, stats.waiting);
}

/* -- lives --------------------------------------------------------------------------------------*/

ROOST_TEST(a_worker_is_replaced_after_so_many_calls)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(
        roost_process_pool_open(&(roost_process_pool_opts){.workers = 1, .calls_max = 2}, &pool));
    int pids[6];
    for (int i = 0; i < 6; i++)
        pids[i] = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    CHECK_EQ(pids[0], pids[1]);
    CHECK_EQ(pids[2], pids[3]);
    CHECK_EQ(pids[4], pids[5]);
    CHECK(pids[0] != pids[2] && pids[2] != pids[4]);
    CHECK_EQ(3, pool_stats(pool).started);
    CHECK_EQ(0, pool_stats(pool).workers);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_TEST(a_worker_without_calls_ends)
{
    if (roost_test_virtual())
        return; /* its real time would be no virtual one */
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1, .idle = ROOST_MS(2)},
                                     &pool));
    int pid = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    while (pool && pool_stats(pool).workers > 0 && roost_sleep(ROOST_US(200)) == 0)
        continue;
    CHECK_EQ(0, pool_stats(pool).workers);
    int next = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    CHECK(next > 0 && next != pid);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

/* Every worker wants to end right after its call: the next call meets it alive, ending, or gone. */
ROOST_TEST(a_call_that_meets_an_ending_worker_goes_to_another)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 2, .idle = 1}, &pool));
    for (int i = 0; i < 60; i++)
        CHECK_EQ(i, roost_to_process(ROOST_CALL(give_number, i), .pool = pool));
    CHECK_EQ(60, pool_stats(pool).calls);
    CHECK_EQ(0, pool_stats(pool).crashed);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_ASYNC(give_parent)
{
    return getppid();
}

/* The call reaches the socket of a worker whose end nobody has noticed yet. */
ROOST_TEST(a_call_that_a_killed_worker_never_saw_goes_to_another)
{
    if (roost_test_virtual())
        return; /* the loop would wait for a root that only it can let go on */
    roost_process_pool *pool = pool_open(1);
    int root = roost_to_process(ROOST_CALL(give_parent), .pool = pool);
    int pid = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    int sum = 0;
    int rc = 0;
    if (root > 0 && pid > 0 && pool) {
        siginfo_t info;
        kill(root, SIGSTOP);
        while (waitid(P_PID, (id_t)root, &info, WSTOPPED) < 0 && errno == EINTR)
            continue;
        kill(pid, SIGKILL);
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, call_add, pool, 5, &sum);
            rc = roost_sleep(ROOST_MS(1));
            kill(root, SIGCONT);
        }
        CHECK_EQ(5, sum);
        CHECK_EQ(0, pool_stats(pool).crashed);
        CHECK_EQ(2, pool_stats(pool).started);
    }
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_TEST(a_worker_killed_while_idle_is_replaced)
{
    roost_process_pool *pool = pool_open(1);
    int pid = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    if (pid > 0)
        kill(pid, SIGKILL);
    int next = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    CHECK(next > 0 && next != pid);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

static int prepared;

static int prepare(void *arg)
{
    prepared = *(const int *)arg;
    return prepared;
}

ROOST_ASYNC(give_prepared)
{
    return prepared;
}

ROOST_TEST(each_worker_is_prepared)
{
    static int number = 31;
    roost_process_pool *pool = NULL;
    roost_process_pool_opts opts = {
        .workers = 1, .calls_max = 1, .init = prepare, .init_arg = &number};
    CHECK_OK(roost_process_pool_open(&opts, &pool));
    CHECK_EQ(31, roost_to_process(ROOST_CALL(give_prepared), .pool = pool));
    CHECK_EQ(31, roost_to_process(ROOST_CALL(give_prepared), .pool = pool));
    CHECK_EQ(0, prepared);
    CHECK_EQ(0, roost_process_pool_close(pool));

    static int failure = -EACCES;
    opts.init_arg = &failure;
    pool = NULL;
    CHECK_OK(roost_process_pool_open(&opts, &pool));
    CHECK_EQ(-EACCES, roost_to_process(ROOST_CALL(give_prepared), .pool = pool));
    CHECK(note_has("no worker could be started"));
    CHECK_EQ(0, pool_stats(pool).workers);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

static int prepare_badly(void *arg)
{
    (void)arg;
    _exit(9);
}

ROOST_TEST(a_worker_that_dies_while_it_is_prepared_is_told)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(
        &(roost_process_pool_opts){.workers = 1, .init = prepare_badly}, &pool));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(give_prepared), .pool = pool));
    CHECK(note_has("left with status 9"));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

/* -- closing ------------------------------------------------------------------------------------*/

ROOST_TEST(a_closed_pool_leaves_nothing_behind)
{
    roost_process_pool *pool = pool_open(2);
    if (!pool)
        return; /* tortured */
    int pid = roost_to_process(ROOST_CALL(give_pid), .pool = pool);
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_ALWAYS(pid <= 0 || process_is_gone(pid));
    CHECK_ALWAYS(!children_left());
    CHECK_EQ(0, roost_process_pool_close(NULL));
}

ROOST_ASYNC(call_close, roost_process_pool *, pool, int *, result)
{
    *result = roost_process_pool_close(pool);
    return 0;
}

ROOST_TEST(closing_lets_calls_finish_and_waiters_go, .fifo = true)
{
    board_put_up();
    roost_process_pool *pool = pool_open(1);
    if (!pool)
        return; /* tortured */
    int results[2] = {1, 1};
    int closed = 1;
    int late = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_wait, pool, 10, &results[0]);
        ROOST_GO(g, call_wait, pool, 11, &results[1]);
        rc = board_await(1);
        if (rc == 0)
            rc = roost_yield();
        if (rc == 0 && !roost_test_virtual())
            CHECK_EQ(1, pool_stats(pool).waiting);
        ROOST_GO(g, call_close, pool, &closed);
        if (rc == 0)
            rc = roost_yield();
        if (!roost_test_virtual() && !roost_test_tortured()) /* it stays until the call is over */
            late = roost_to_process(ROOST_CALL(give_number, 1), .pool = pool);
        board_go();
    }
    if (roost_test_virtual()) {
        CHECK(results[0] == 10 || results[0] == ROOST_ECANCELED || results[0] == ROOST_ECLOSED);
    } else {
        /* Whichever came first is under way. */
        CHECK(results[0] == 10 ? results[1] == ROOST_ECANCELED
                               : results[0] == ROOST_ECANCELED && results[1] == 11);
        CHECK_EQ(ROOST_ECLOSED, late);
    }
    CHECK_EQ(0, closed);
    CHECK_ALWAYS(closed == 1 || !children_left()); /* 1: under torture nobody has closed it */
}

ROOST_ASYNC(call_endless, roost_process_pool *, pool, int *, result)
{
    *result = roost_to_process(ROOST_CALL(never_end), .pool = pool);
    return 0;
}

ROOST_TEST(a_cancelled_close_kills_what_is_under_way)
{
    if (roost_test_virtual())
        return; /* the loop would wait for the call for ever */
    board_put_up();
    roost_process_pool *pool = pool_open(2);
    if (!pool)
        return; /* tortured */
    int results[2] = {1, 1};
    int closed = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_endless, pool, &results[0]);
        ROOST_GO(g, call_endless, pool, &results[1]);
        rc = board_await(2);
        closed = ROOST_WITHIN(ROOST_MS(1), roost_process_pool_close(pool));
        roost_group_cancel(g, "over"); /* under torture the pool may have had other calls */
    }
    CHECK_EQ(ROOST_ETIMEDOUT, closed);
    CHECK_EQ(ROOST_ECANCELED, results[0]);
    CHECK_EQ(ROOST_ECANCELED, results[1]);
    CHECK_ALWAYS(!children_left());
}

ROOST_TEST(a_run_that_ends_closes_its_pools)
{
    CHECK_EQ(1, roost_to_process(ROOST_CALL(give_number, 1)));
    roost_process_pool *pool = pool_open(1);
    CHECK_EQ(2, roost_to_process(ROOST_CALL(give_number, 2), .pool = pool));
    /* The kit looks whether a descriptor or a block of memory is left. */
}

ROOST_ASYNC(use_default)
{
    return roost_to_process(ROOST_CALL(give_pid));
}

ROOST_TEST(no_process_outlives_a_run, .plain = true)
{
    int pid = roost_test_run(ROOST_CALL(use_default), NULL);
    CHECK(pid > 0);
    CHECK_ALWAYS(pid <= 0 || process_is_gone(pid));
    CHECK_ALWAYS(!children_left());
}

/* -- the program and its children ---------------------------------------------------------------*/

ROOST_TEST(a_program_that_waits_for_its_children_meets_no_worker)
{
    roost_process_pool *pool = pool_open(1);
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(die_of, SIGKILL), .pool = pool));
    siginfo_t info = {0};
    CHECK_EQ(0, waitid(P_ALL, 0, &info, WEXITED | WNOHANG));
    CHECK_EQ(0, info.si_pid);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_TEST(a_program_may_ignore_the_end_of_children)
{
    struct sigaction former;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGCHLD, &ignore, &former);
    roost_process_pool *pool = pool_open(1);
    int crashed = roost_to_process(ROOST_CALL(die_of, SIGKILL), .pool = pool);
    int next = roost_to_process(ROOST_CALL(give_number, 5), .pool = pool);
    int closed = roost_process_pool_close(pool);
    sigaction(SIGCHLD, &former, NULL);
    CHECK_EQ(ROOST_ECRASHED, crashed);
    CHECK_EQ(5, next);
    CHECK_EQ(0, closed);
}

ROOST_TEST(a_pool_whose_root_is_gone_is_broken)
{
    roost_process_pool *pool = pool_open(2);
    if (!pool)
        return; /* tortured */
    int root = roost_to_process(ROOST_CALL(give_parent), .pool = pool);
    CHECK(root > 1 && root != getpid());
    if (root > 1) {
        siginfo_t info;
        kill(root, SIGKILL);
        /* Looked at and left: the pool reaps it. */
        while (waitid(P_PID, (id_t)root, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR)
            continue;
        usleep(1000); /* the idle worker dies with it */
    }
    CHECK_EQ(ROOST_EBROKEN, roost_to_process(ROOST_CALL(give_number, 1), .pool = pool));
    CHECK(note_has("the root of the process pool is gone"));
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_ALWAYS(!children_left());
}

static void descriptors_limit(int pid, rlim_t most)
{
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_NOFILE, NULL, &limit) != 0)
        return;
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    CHECK_EQ(0, prlimit(pid, RLIMIT_NOFILE, &limit, NULL));
}

ROOST_TEST(a_root_without_a_descriptor_left_goes_on)
{
    roost_process_pool *pool = pool_open(1);
    if (!pool)
        return; /* tortured */
    int root = roost_to_process(ROOST_CALL(give_parent), .pool = pool);
    if (root > 1) {
        descriptors_limit(root, 3);
        CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(die_of, SIGKILL), .pool = pool));
        CHECK_EQ(-EMFILE, roost_to_process(ROOST_CALL(give_number, 3), .pool = pool));
        CHECK(note_has("no worker could be started"));
        descriptors_limit(root, 64);
        CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3), .pool = pool));
    }
    CHECK_EQ(0, roost_process_pool_close(pool));
}

/* It has copies of all descriptors, and no part in the pool. */
ROOST_TEST(a_child_of_the_program_keeps_no_pool_alive, .timeout = ROOST_SEC(10))
{
    roost_process_pool *pool = pool_open(1);
    if (!pool)
        return; /* tortured */
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3), .pool = pool));
    int pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            pause();
    }
    CHECK_EQ(0, roost_process_pool_close(pool));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    CHECK_ALWAYS(!children_left());
}

ROOST_ASYNC(call_for_ever)
{
    roost_process_pool *pool = NULL;
    int rc = roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool);
    if (rc == 0)
        rc = roost_to_process(ROOST_CALL(never_end), .pool = pool);
    roost_error error;
    if (roost_error_last(&error) == 0)
        roost_error_print(&error, 2);
    return rc;
}

static int run_for_ever(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(call_for_ever), NULL);
}

static bool ends_soon(int pidfd)
{
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    bool ended = poll(&poll_fd, 1, 10000) == 1;
    close(pidfd);
    return ended;
}

ROOST_TEST(workers_die_with_their_program, .plain = true, .no_torture = true)
{
    board_put_up();
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (self < 0)
        roost_test_skip("pidfds: Linux 5.3, and not Valgrind");
    close(self);
    struct process program;
    process_begin(&program, run_for_ever, NULL);
    siginfo_t info = {0};
    while (roosti_atomic_load(&board->begun, ROOSTI_ACQUIRE) == 0 && info.si_pid == 0) {
        usleep(100);
        waitid(P_PID, (id_t)program.pid, &info, WEXITED | WNOHANG | WNOWAIT);
    }
    if (info.si_pid != 0) {
        process_end(&program);
        fprintf(stderr, "it ended with %d and wrote:\n%s\n", program.code, program.text);
        roost_test_fail(__FILE__, __LINE__, "the program makes its call", true);
    }
    int worker = (int)syscall(SYS_pidfd_open, board->pid, 0);
    int root = (int)syscall(SYS_pidfd_open, board->root, 0);
    CHECK_ALWAYS(worker >= 0 && root >= 0);
    kill(program.pid, SIGKILL);
    /* They hold its standard error: this comes back when they are gone too. */
    process_end(&program);
    CHECK_ALWAYS(ends_soon(worker) && ends_soon(root));
}

/* Whether pidfd_open fails from now on, in this process and its children. */
static bool pidfds_forbid(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = 4, .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

ROOST_ASYNC(calls_without_pidfds)
{
    roost_process_pool *pool = NULL;
    int result = 0;
    int rc = 0;
    ROOST_TRY(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool));
    if (roost_to_process(ROOST_CALL(give_number, 7), .pool = pool) != 7)
        return 1;
    if (roost_to_process(ROOST_CALL(die_of, SIGKILL), .pool = pool) != ROOST_ECRASHED)
        return 2;
    if (!roost_test_virtual()) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, call_endless, pool, &result);
            rc = board_await(1);
            roost_group_cancel(g, "enough");
        }
        if (result != ROOST_ECANCELED || !process_is_gone(board->pid))
            return 3;
    }
    rc = roost_process_pool_close(pool);
    return rc < 0 ? rc : children_left() ? 4 : 0;
}

static int run_without_pidfds(void *arg)
{
    (void)arg;
    if (!pidfds_forbid())
        return 77;
    return roost_run(ROOST_CALL(calls_without_pidfds), NULL);
}

ROOST_TEST(a_system_without_pidfds_will_do, .plain = true, .no_torture = true)
{
    board_put_up();
    struct process program;
    process_run(&program, run_without_pidfds, NULL);
    if (program.code == 77)
        roost_test_skip("a system call cannot be forbidden here");
    CHECK_EQ(0, program.code);
}

/* -- several loops, and misuse ------------------------------------------------------------------*/

ROOST_ASYNC(calls_here, roost_process_pool *, pool, int, from, int, count)
{
    int sum = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = from; i < from + count; i++)
            ROOST_GO(g, call_add, pool, i, &sum);
    }
    return rc < 0 ? rc : sum;
}

ROOST_ASYNC(calls_there, roost_process_pool *, pool, int *, sum)
{
    return roost_on_loop(roost_loop_count() - 1, ROOST_CALL(calls_here, pool, 50, 50), sum);
}

ROOST_TEST(the_loops_of_a_run_share_a_pool, .loops = 2, .threads = true)
{
    roost_process_pool *pool = pool_open(2);
    int there = 0;
    int here = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, calls_there, pool, &there);
        here = calls_here(pool, 0, 50);
        /* The same with the run's own. */
        if (here >= 0)
            CHECK_EQ(45, calls_here(NULL, 0, 10));
    }
    roost_process_pool_stats stats = pool_stats(pool);
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_EQ(4950, here + there);
    CHECK_EQ(100, stats.calls);
}

ROOST_ASYNC(use_of_another_run, roost_process_pool *, pool)
{
    roost_process_pool_stats stats;
    CHECK_EQ(ROOST_EXLOOP, roost_to_process(ROOST_CALL(give_number, 1), .pool = pool));
    CHECK_EQ(ROOST_EXLOOP, roost_process_pool_stats_get(pool, &stats));
    CHECK_EQ(ROOST_EXLOOP, roost_process_pool_close(pool));
    return 0;
}

static void *another_run(void *pool)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.no_signals = true;
    (void)!roost_run(ROOST_CALL(use_of_another_run, pool), &opts);
    return NULL;
}

ROOST_TEST(a_pool_belongs_to_its_run, .no_torture = true)
{
    roost_process_pool *pool = pool_open(1);
    pthread_t thread;
    CHECK_EQ(0, pthread_create(&thread, NULL, another_run, pool));
    pthread_join(thread, NULL);
    CHECK_EQ(1, roost_to_process(ROOST_CALL(give_number, 1), .pool = pool));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_TEST(outside_a_task_there_are_no_pools, .plain = true)
{
    roost_process_pool *pool = (void *)board;
    roost_process_pool *before = pool;
    roost_process_pool_stats stats = {.calls = 7};
    CHECK_EQ(ROOST_ENOCTX, roost_process_pool_open(NULL, &pool));
    CHECK(pool == before);
    CHECK_EQ(ROOST_ENOCTX, roost_to_process(ROOST_CALL(give_number, 1)));
    CHECK_EQ(ROOST_ENOCTX, roost_process_pool_stats_get(NULL, &stats));
    CHECK_EQ(7, stats.calls);
}

ROOST_TEST(options_out_of_range_are_refused)
{
    roost_process_pool *pool = NULL;
    CHECK_EQ(ROOST_EINVAL,
             roost_process_pool_open(&(roost_process_pool_opts){.workers = 1025}, &pool));
    CHECK_EQ(ROOST_EINVAL, roost_process_pool_open(&(roost_process_pool_opts){.idle = -1}, &pool));
    CHECK(pool == NULL);
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1024}, &pool));
    CHECK_EQ(0, roost_process_pool_close(pool));
    roost_process_pool_stats stats = {.calls = 7};
    CHECK_EQ(0, roost_process_pool_stats_get(NULL, &stats));
    CHECK_EQ(0, stats.calls);
}
