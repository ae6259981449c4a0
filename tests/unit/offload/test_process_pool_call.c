/* tests/unit/offload/test_process_pool_call.c - calls in worker processes: what goes in, what comes
 * out, and how they end.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "offload/process.h"
#include "port/fiber.h"
#include "unit/offload/workers.h"

/* -- results and arguments ----------------------------------------------------------------------*/

ROOST_TEST(a_call_returns_what_it_returned)
{
    CHECK_EQ(42, roost_to_process(ROOST_CALL(give_number, 42)));
    CHECK_EQ(-77, roost_to_process(ROOST_CALL(give_number, -77)));
    CHECK_EQ(7, roost_to_process_with(ROOST_CALL(give_number, 7), NULL));
    int pid = roost_to_process(ROOST_CALL(give_pid));
    CHECK(pid != getpid());
    CHECK_EQ(pid, roost_to_process(ROOST_CALL(give_pid)));
}

struct numbers {
    int64_t first;
    double second;
    char text[40];
};

ROOST_ASYNC(weigh, struct numbers, by_value, int8_t, small, const char *, literal)
{
    if (strcmp(literal, "static data") != 0)
        return -1;
    return (int)(by_value.first + (int64_t)by_value.second) + small + (int)strlen(by_value.text);
}

ROOST_TEST(arguments_are_copied_and_static_data_has_its_address)
{
    struct numbers numbers = {.first = 1000, .second = 200.5, .text = "0123456789"};
    CHECK_EQ(1213, roost_to_process(ROOST_CALL(weigh, numbers, 3, "static data")));
}

static int counter = 5;

ROOST_ASYNC(count_up)
{
    return ++counter;
}

ROOST_TEST(a_worker_keeps_its_own_static_data)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool));
    counter = 100; /* after the pool was opened */
    CHECK_EQ(6, roost_to_process(ROOST_CALL(count_up), .pool = pool));
    CHECK_EQ(7, roost_to_process(ROOST_CALL(count_up), .pool = pool));
    CHECK_EQ(100, counter);
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_ASYNC(suspend_here)
{
    return roost_yield();
}

ROOST_ASYNC(run_here)
{
    return roost_run(ROOST_CALL(give_number, 1), NULL);
}

ROOST_TEST(the_runtime_is_refused_in_workers)
{
    CHECK_EQ(ROOST_EFORKED, roost_to_process(ROOST_CALL(suspend_here)));
    CHECK_EQ(ROOST_EFORKED, roost_to_process(ROOST_CALL(run_here)));
}

/* -- spans --------------------------------------------------------------------------------------*/

/* Adds the numbers from..end up into *sum and squares each in place. */
ROOST_ASYNC(square, int *, from, const int *, end, int64_t *, sum)
{
    if (*sum != 0)
        return -1;
    for (int *at = from; at < end; at++) {
        *sum += *at;
        *at *= *at;
    }
    return (int)(end - from);
}

ROOST_TEST(spans_go_in_and_come_out)
{
    int numbers[] = {99, 2, 3, 4};
    int64_t sum = 12345; /* a span that is only OUT begins zeroed in the worker */
    int rc = roost_to_process(
        ROOST_CALL(square, numbers + 1, numbers + 4, &sum),
        .spans = ROOST_SPANS(ROOST_INOUT(numbers, sizeof numbers), ROOST_OUT(&sum, sizeof sum)));
    CHECK_EQ(3, rc);
    CHECK_EQ(9, sum);
    CHECK_EQ(99, numbers[0]);
    CHECK_EQ(16, numbers[3]);

    /* IN alone is what a span is by default, and does not come back. */
    sum = 0;
    rc = roost_to_process(
        ROOST_CALL(square, numbers, numbers + 1, &sum),
        .spans = ROOST_SPANS({numbers, sizeof numbers, 0}, ROOST_OUT(&sum, sizeof sum)));
    CHECK_EQ(1, rc);
    CHECK_EQ(99, sum);
    CHECK_EQ(99, numbers[0]);
}

ROOST_ASYNC(write_and_fail, int *, out, int, code)
{
    *out = 1;
    return code;
}

ROOST_TEST(a_failing_call_changes_nothing)
{
    int out = 7;
    CHECK_EQ(-5, roost_to_process(ROOST_CALL(write_and_fail, &out, -5),
                                  .spans = ROOST_SPANS(ROOST_OUT(&out, sizeof out))));
    CHECK_EQ(7, out);
    CHECK_EQ(0, roost_to_process(ROOST_CALL(write_and_fail, &out, 0),
                                 .spans = ROOST_SPANS(ROOST_INOUT(&out, sizeof out))));
    CHECK_EQ(1, out);
}

/* Nothing points to nothing; a span that is empty leads somewhere. */
ROOST_ASYNC(look_at_pointers, const char *, null, const char *, empty, uintptr_t, far)
{
    return (null == NULL) + 2 * (empty != NULL) + 4 * (far == 1);
}

ROOST_TEST(pointers_that_lie_in_no_span_stay)
{
    const char *text = "x";
    CHECK_EQ(7, roost_to_process(ROOST_CALL(look_at_pointers, NULL, text, 1),
                                 .spans = ROOST_SPANS(ROOST_IN(NULL, 0), ROOST_IN(text, 0))));
}

ROOST_ASYNC(check_alignment, const char *, a, const char *, b, uintptr_t, want_a, uintptr_t, want_b)
{
    return (uintptr_t)a % 64 == want_a && (uintptr_t)b % 64 == want_b && a[0] == 'a' && b[0] == 'b';
}

ROOST_TEST(copies_are_aligned_as_their_spans_are)
{
    _Alignas(64) char room[256];
    for (size_t shift = 0; shift < 64; shift += 7) {
        char *a = room + shift;
        char *b = room + 128 + 63 - shift;
        *a = 'a';
        *b = 'b';
        CHECK_EQ(1, roost_to_process(
                        ROOST_CALL(check_alignment, a, b, (uintptr_t)a % 64, (uintptr_t)b % 64),
                        .spans = ROOST_SPANS(ROOST_IN(a, 1), ROOST_IN(b, 1))));
    }
}

ROOST_ASYNC(add_one_to_each, const unsigned char *, in, unsigned char *, out, size_t, len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (unsigned char)(in[i] + 1);
    return (int)in[len - 1];
}

/* On both sides of the size up to which spans travel in the record, and of a turn's worth. */
static void spans_of(size_t len)
{
    unsigned char *in = malloc(len);
    unsigned char *out = calloc(1, len);
    CHECK_ALWAYS(in && out);
    for (size_t i = 0; i < len; i++)
        in[i] = (unsigned char)(i * 7);
    int rc = roost_to_process(ROOST_CALL(add_one_to_each, in, out, len),
                              .spans = ROOST_SPANS(ROOST_IN(in, len), ROOST_OUT(out, len)));
    bool same = rc >= 0;
    for (size_t i = 0; i < len && same; i++)
        same = out[i] == (unsigned char)(in[i] + 1);
    int want = in[len - 1];
    free(in);
    free(out);
    CHECK_EQ(want, rc);
    CHECK(same);
}

ROOST_TEST(spans_may_be_of_any_size)
{
    static const size_t sizes[] = {1,    63,    64,    8000,    8064,          8128,   8192,
                                   8193, 16384, 16385, 1 << 20, (1 << 20) + 1, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        spans_of(sizes[i]);
}

ROOST_TEST(many_spans_have_a_place_each)
{
    int numbers[ROOST_SPANS_MAX + 1];
    roost_span spans[ROOST_SPANS_MAX + 1];
    for (size_t i = 0; i <= ROOST_SPANS_MAX; i++) {
        numbers[i] = (int)i;
        spans[i] = (roost_span){&numbers[i], sizeof numbers[i], ROOST_SPAN_INOUT};
    }
    int64_t sum = 0;
    spans[0] = (roost_span){&sum, sizeof sum, ROOST_SPAN_OUT};
    int *last = &numbers[ROOST_SPANS_MAX - 1];
    CHECK_EQ(1, roost_to_process(ROOST_CALL(square, last, last + 1, &sum),
                                 .spans = {spans, ROOST_SPANS_MAX}));
    CHECK_EQ(63, sum);
    CHECK_EQ(63 * 63, *last);
    CHECK_EQ(ROOST_EINVAL, roost_to_process(ROOST_CALL(square, last, last + 1, &sum),
                                            .spans = {spans, ROOST_SPANS_MAX + 1}));
}

struct large {
    char bytes[5000];
};

ROOST_ASYNC(take_large, struct large, large)
{
    return large.bytes[0];
}

ROOST_TEST(what_is_out_of_range_is_refused)
{
    roost_process_pool *pool = NULL;
    char bytes[100] = "";
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1, .span_bytes_max = 50},
                                     &pool));
    roost_call call = ROOST_CALL(give_number, 1);
    CHECK_EQ(1, roost_to_process(call, .pool = pool,
                                 .spans = ROOST_SPANS(ROOST_IN(bytes, 20), ROOST_IN(bytes, 30))));
    CHECK_EQ(-EMSGSIZE,
             roost_to_process(call, .pool = pool,
                              .spans = ROOST_SPANS(ROOST_IN(bytes, 20), ROOST_IN(bytes, 31))));
    CHECK_EQ(-EMSGSIZE,
             roost_to_process(call, .pool = pool, .spans = ROOST_SPANS(ROOST_IN(bytes, SIZE_MAX))));
    CHECK_EQ(ROOST_EINVAL, roost_to_process(call, .spans = ROOST_SPANS({bytes, 1, 4})));
    CHECK_EQ(ROOST_EINVAL, roost_to_process(call, .spans = ROOST_SPANS(ROOST_IN(NULL, 1))));
    CHECK_EQ(ROOST_EINVAL, roost_to_process(call, .cpu_max = -1));
    struct large large = {{1}};
    CHECK_EQ(ROOST_EINVAL, roost_to_process(ROOST_CALL(take_large, large)));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

/* -- what a worker has --------------------------------------------------------------------------*/

ROOST_ASYNC(look_at_descriptors)
{
    char byte;
    int open = 0;
    for (int fd = 0; fd < 1000; fd++)
        open += fcntl(fd, F_GETFD) >= 0;
    if (read(0, &byte, 1) != 0)
        return -1;
    printf("nobody reads this\n");
    fflush(stdout);
    if (write(1, "nor this\n", 9) != 9)
        return -2;
    return open;
}

ROOST_TEST(a_worker_reads_and_prints_nothing)
{
    /* The output of this process goes to a file for as long as the pool is opened. */
    char name[] = "/tmp/roost-test-XXXXXX";
    int file = mkstemp(name);
    fflush(stdout);
    int kept = dup(1);
    CHECK_ALWAYS(file >= 0 && kept >= 0 && dup2(file, 1) == 1);
    unlink(name);
    roost_process_pool *pool = NULL;
    int rc = roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool);
    if (rc == 0)
        rc = roost_to_process(ROOST_CALL(look_at_descriptors), .pool = pool);
    (void)roost_process_pool_close(pool);
    fflush(stdout);
    dup2(kept, 1);
    close(kept);
    off_t written = lseek(file, 0, SEEK_END);
    close(file);
    CHECK_EQ(4, rc); /* 0, 1, 2 and its socket */
    CHECK_EQ(0, written);
}

ROOST_ASYNC(complain)
{
    return (int)write(2, "complaint", 9);
}

/* Bytes that reach the standard error of this process. */
static int complaint_arrives(bool silent)
{
    char name[] = "/tmp/roost-test-XXXXXX";
    int file = mkstemp(name);
    int kept = dup(2);
    CHECK_ALWAYS(file >= 0 && kept >= 0 && dup2(file, 2) == 2);
    unlink(name);
    roost_process_pool *pool = NULL;
    int rc =
        roost_process_pool_open(&(roost_process_pool_opts){.workers = 1, .silent = silent}, &pool);
    dup2(kept, 2);
    close(kept);
    if (rc == 0)
        rc = roost_to_process(ROOST_CALL(complain), .pool = pool);
    (void)roost_process_pool_close(pool);
    int len = (int)lseek(file, 0, SEEK_END);
    close(file);
    return rc == 9 ? len : -1;
}

ROOST_TEST(a_worker_may_complain_unless_silent)
{
    CHECK_EQ(9, complaint_arrives(false));
    CHECK_EQ(0, complaint_arrives(true));
}

static void on_signal(int signo)
{
    (void)signo;
}

ROOST_ASYNC(look_at_signals)
{
    struct sigaction action;
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    if (sigismember(&mask, SIGUSR1) || sigismember(&mask, SIGCHLD) || getsid(0) != getppid())
        return -1;
    return sigaction(SIGUSR2, NULL, &action) == 0 && action.sa_handler == SIG_DFL;
}

ROOST_TEST(a_worker_has_default_signals_and_no_terminal)
{
    struct sigaction former;
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t mask;
    sigset_t kept;
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigaction(SIGUSR2, &action, &former);
    sigprocmask(SIG_BLOCK, &mask, &kept);
    int rc = roost_to_process(ROOST_CALL(look_at_signals));
    sigset_t now;
    sigprocmask(SIG_SETMASK, &kept, &now);
    sigaction(SIGUSR2, &former, NULL);
    CHECK_EQ(1, rc);
    CHECK(sigismember(&now, SIGUSR1));
    CHECK(!sigismember(&now, SIGUSR2));
}

/* The soft limits: 1: of memory, 2: of processor time. */
ROOST_ASYNC(look_at_limits)
{
    struct rlimit space;
    struct rlimit time;
    getrlimit(RLIMIT_AS, &space);
    getrlimit(RLIMIT_CPU, &time);
    return (space.rlim_cur != RLIM_INFINITY) + 2 * (time.rlim_cur != RLIM_INFINITY);
}

ROOST_ASYNC(take_memory, size_t, size)
{
    char *volatile block =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? -ENOMEM : 0;
}

/* An emulator of user programs may take such a limit and forget it. */
static bool space_limits_are_kept(void)
{
    struct rlimit former;
    struct rlimit now;
    getrlimit(RLIMIT_AS, &former);
    struct rlimit wanted = {.rlim_cur = (rlim_t)1 << 46, .rlim_max = former.rlim_max};
    bool kept = former.rlim_cur != RLIM_INFINITY ||
                (setrlimit(RLIMIT_AS, &wanted) == 0 && getrlimit(RLIMIT_AS, &now) == 0 &&
                 now.rlim_cur == wanted.rlim_cur);
    setrlimit(RLIMIT_AS, &former);
    return kept;
}

ROOST_TEST(limits_hold_for_one_call)
{
    if (!space_limits_are_kept())
        roost_test_skip("a limit of address space");
    int before = roost_to_process(ROOST_CALL(look_at_limits));
    if (before != 0)
        roost_test_skip("this process has limits already");
    CHECK_EQ(1, roost_to_process(ROOST_CALL(look_at_limits), .memory_max = 1 << 30));
    CHECK_EQ(2, roost_to_process(ROOST_CALL(look_at_limits), .cpu_max = ROOST_SEC(5)));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(look_at_limits), .cpu_max = 1, .memory_max = 1 << 30));
    CHECK_EQ(0, roost_to_process(ROOST_CALL(look_at_limits)));
    CHECK_EQ(-ENOMEM, roost_to_process(ROOST_CALL(take_memory, 32 << 20), .memory_max = 16 << 20));
    CHECK_EQ(0, roost_to_process(ROOST_CALL(take_memory, 32 << 20), .memory_max = 64 << 20));
}

/* -- ends ---------------------------------------------------------------------------------------*/

ROOST_ASYNC(write_to_null)
{
    int *volatile null = NULL;
    *null = 1;
    return 0;
}

ROOST_ASYNC(call_abort)
{
    abort();
    return 0;
}

ROOST_ASYNC(leave, int, status)
{
    _exit(status);
    return 0;
}

/* Gives up the socket, which is the first descriptor behind the standard ones. */
ROOST_ASYNC(close_all, int, from)
{
    for (int fd = from; fd < 100; fd++)
        close(fd);
    return 0;
}

ROOST_TEST(a_crash_is_told_by_its_signal)
{
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(die_of, SIGKILL)));
    CHECK(note_has(" died of SIGKILL in 'die_of'"));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(die_of, SIGTERM)));
    CHECK(note_has(" died of SIGTERM in 'die_of'"));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(die_of, SIGRTMIN + 3)));
    CHECK(note_has(" died of signal "));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(write_to_null)));
#ifndef ROOSTI_FIBER_HOOKS
    CHECK(note_has(" died of SIGSEGV in 'write_to_null'"));
#endif
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(call_abort)));
    CHECK(note_has(" died of SIGABRT in 'call_abort'"));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
    roost_process_pool_stats stats;
    CHECK_EQ(0, roost_process_pool_stats_get(NULL, &stats));
    CHECK_EQ(5, stats.crashed);
    CHECK_EQ(6, stats.calls);
    CHECK_EQ(6, stats.started);
    CHECK_EQ(1, stats.workers);
    CHECK_EQ(0, stats.busy);
}

ROOST_TEST(a_worker_that_leaves_is_told_by_its_status)
{
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(leave, 3)));
    CHECK(note_has(" left with status 3 in 'leave'"));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(leave, 0)));
    CHECK(note_has(" left with status 0 in 'leave'"));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
}

ROOST_TEST(a_worker_that_closes_its_socket_has_left)
{
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(close_all, 3)));
    CHECK(note_has(" left with status 1 in 'close_all'"));
    CHECK_EQ(0, roost_to_process(ROOST_CALL(close_all, 4)));
}

ROOST_ASYNC(babble, size_t, len)
{
    static const char noise[40000];
    return write(3, noise, len) == (ssize_t)len ? 0 : -1;
}

ROOST_TEST(a_worker_that_speaks_nonsense_is_killed)
{
    static const size_t lens[] = {1, 56, 32768, 40000};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(babble, lens[i])));
        CHECK(note_has(" speaks nonsense in 'babble'"));
    }
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
}

ROOST_ASYNC(say_nothing, bool, for_ever)
{
    return for_ever ? shutdown(3, SHUT_RDWR) : (int)send(3, "", 0, 0);
}

ROOST_TEST(a_worker_that_says_nothing_does_not_break_the_pool)
{
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(say_nothing, false)));
    CHECK(note_has(" speaks nonsense in 'say_nothing'"));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(say_nothing, true)));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
}

/* What a worker says when it has waited long enough, out of a call. */
ROOST_ASYNC(retire_instead)
{
    const struct roosti_record record = {.kind = ROOSTI_RECORD_RETIRED};
    if (roosti_atomic_add(&board->begun, 1, ROOSTI_RELAXED) < 5)
        roost_ignore(write(3, &record, sizeof record));
    return 0;
}

ROOST_TEST(a_worker_that_retires_in_a_call_is_killed)
{
    roost_process_pool *pool = NULL;
    board_put_up();
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(retire_instead), .pool = pool));
    CHECK(note_has(" speaks nonsense in 'retire_instead'"));
    CHECK_EQ(1, roosti_atomic_load(&board->begun, ROOSTI_RELAXED));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

/* The first time it says that it has not got the call, and goes on. */
ROOST_ASYNC(retire_and_spin)
{
    const struct roosti_record record = {.kind = ROOSTI_RECORD_RETIRED};
    if (roosti_atomic_add(&board->begun, 1, ROOSTI_RELAXED) > 0)
        return 7;
    roosti_atomic_store(&board->pid, getpid(), ROOSTI_RELAXED);
    roost_ignore(write(3, &record, sizeof record));
    for (;;)
        (void)roosti_atomic_load(&board->go, ROOSTI_ACQUIRE);
    return 0;
}

ROOST_TEST(a_worker_that_retires_and_goes_on_is_gone_before_the_call_is_repeated)
{
    roost_process_pool *pool = NULL;
    board_put_up();
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool));
    CHECK_EQ(5, roost_to_process(ROOST_CALL(give_number, 5), .pool = pool));
    CHECK_EQ(7, roost_to_process(ROOST_CALL(retire_and_spin), .pool = pool));
    CHECK(process_is_gone(roosti_atomic_load(&board->pid, ROOSTI_RELAXED)));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_ASYNC(answer_twice)
{
    const struct roosti_record record = {.kind = ROOSTI_RECORD_RESULT, .code = 42};
    return write(3, &record, sizeof record) < 0 ? -1 : 1;
}

ROOST_TEST(an_answer_to_one_call_is_none_to_the_next)
{
    roost_process_pool *pool = NULL;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 1}, &pool));
    CHECK_EQ(5, roost_to_process(ROOST_CALL(give_number, 5), .pool = pool));
    CHECK_EQ(ROOST_ECRASHED, roost_to_process(ROOST_CALL(answer_twice), .pool = pool));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3), .pool = pool));
    CHECK_EQ(0, roost_process_pool_close(pool));
}

ROOST_ASYNC(fork_and_return)
{
    int pid = fork();
    return pid == 0 ? 1 : 2;
}

ROOST_TEST(a_fork_of_the_call_does_not_answer)
{
    CHECK_EQ(2, roost_to_process(ROOST_CALL(fork_and_return)));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
}

ROOST_ASYNC(call_number, roost_process_pool *, pool, int, number, int *, sum)
{
    int rc = roost_to_process(ROOST_CALL(give_number, number), .pool = pool);
    if (rc >= 0)
        *sum += rc;
    return rc < 0 ? rc : 0;
}

ROOST_ASYNC(call_crash, roost_process_pool *, pool)
{
    int rc = roost_to_process(ROOST_CALL(die_of, SIGKILL), .pool = pool);
    return rc == ROOST_ECRASHED ? 0 : rc;
}

ROOST_TEST(a_crash_does_not_touch_other_calls)
{
    roost_process_pool *pool = NULL;
    int sum = 0;
    int rc = 0;
    CHECK_OK(roost_process_pool_open(&(roost_process_pool_opts){.workers = 2}, &pool));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 12; i++) {
            if (i % 3 == 0)
                ROOST_GO(g, call_crash, pool);
            else
                ROOST_GO(g, call_number, pool, i, &sum);
        }
    }
    roost_process_pool_stats stats = {0};
    (void)roost_process_pool_stats_get(pool, &stats);
    CHECK_EQ(0, roost_process_pool_close(pool));
    CHECK_EQ(0, rc);
    CHECK_EQ(1 + 2 + 4 + 5 + 7 + 8 + 10 + 11, sum);
    CHECK_EQ(4, stats.crashed);
    CHECK_EQ(12, stats.calls);
}

/* -- cancellation -------------------------------------------------------------------------------*/

ROOST_ASYNC(call_endless, int *, result)
{
    return *result = roost_to_process(ROOST_CALL(never_end));
}

ROOST_TEST(cancelling_kills_the_worker)
{
    if (roost_test_virtual())
        return; /* the loop would wait for it for ever: see the next case */
    board_put_up();
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_endless, &result);
        rc = board_await(1);
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_ALWAYS(board->pid == 0 || process_is_gone(board->pid));
    CHECK_EQ(3, roost_to_process(ROOST_CALL(give_number, 3)));
}

ROOST_ASYNC(call_some, int *, result)
{
    return *result = roost_to_process(ROOST_CALL(give_number, 3));
}

ROOST_TEST(a_result_wins_against_a_later_cancellation)
{
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_some, &result);
        rc = roost_yield();
        if (rc == 0)
            rc = roost_yield();
        roost_group_cancel(g, "enough");
    }
    CHECK(result == 3 || result == ROOST_ECANCELED);
    CHECK_EQ(4, roost_to_process(ROOST_CALL(give_number, 4)));
}

ROOST_TEST(a_cancelled_task_makes_no_call)
{
    int rc = 0;
    ROOST_MOVE_ON(rc, 0) {
        rc = roost_to_process(ROOST_CALL(give_number, 1));
    }
    roost_process_pool_stats stats = {.calls = 9};
    CHECK_EQ(0, roost_process_pool_stats_get(NULL, &stats));
    CHECK_EQ(0, stats.calls);
}

ROOST_TEST(a_deadline_ends_an_endless_call)
{
    if (roost_test_virtual())
        return; /* no virtual time passes in a call */
    board_put_up();
    int rc = ROOST_WITHIN(ROOST_MS(5), roost_to_process(ROOST_CALL(never_end)));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_ALWAYS(board->pid == 0 || process_is_gone(board->pid));
}
