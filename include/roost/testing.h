/* roost/testing.h - tests of async code: no sleeping, no ports, repeatable by number.
 *
 *     #include <roost/testing.h>
 *
 *     ROOST_TEST(slow_operation_times_out)
 *     {
 *         int rc = ROOST_WITHIN(ROOST_SEC(2), slow_operation(5));
 *         CHECK_EQ(ROOST_ETIMEDOUT, rc);
 *         CHECK_EQ(ROOST_SEC(2), roost_now() - roost_test_start());
 *     }
 *
 * Link with roost::testing, which brings main(). Each case runs in a process of its own, as the
 * main task of its own run, in simulation unless asked otherwise: the clock is virtual, the
 * schedule follows from the seed. At the end of a case no task, memory block or descriptor may be
 * left. What main() takes:
 *
 *     --list, --filter TEXT, --seed N, --seeds N (that many, from --seed), --backend NAME
 *     --cancel-torture   cancel at every suspension point, three ways (reliability.md of the docs)
 *     --oom-torture      fail every allocation in turn
 *     --fault K          fail the K-th operation of the port
 *     --points N         at most N points of each torture, picked by seed; 0: all
 *
 * It prints TAP and closes with the line "N passed, N failed, N skipped".
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTING_H
#define ROOST_TESTING_H

#include <stdbool.h>
#include <stdint.h>

#include <roost.h>

/* Zero means default. */
typedef struct roost_test_opts {
    roost_dur timeout; /* real time, then the case fails with a dump of its tasks; 30 s */
    bool plain;        /* the body runs outside any run, and makes its own */
    bool no_torture;   /* cancel and OOM torture leave the case out; say why beside it */
    int loops;         /* of the run; default 1 */
    int debug;         /* level of the run; default 1 */
    const char *needs; /* a backend without which the case is skipped */
    bool fifo;         /* ready tasks run in their order, whatever the seed */
    bool threads;      /* threads of its own take part: no seed repeats it, and none is asked to */
    bool stalls;       /* under torture its tasks may come to wait for each other for ever: a
                          deadlock, which the run resolves, is then no failure */
    int end;           /* closes the list the macro makes; leave it */
} roost_test_opts;

/* A registered case; made by ROOST_TEST. */
typedef struct roost_test_case {
    const char *name;
    const char *file;
    int line;
    void (*body)(void);
    roost_test_opts opts;
    struct roost_test_case *next;
} roost_test_case;

/* ROOST_TEST(name) { body } or ROOST_TEST(name, .timeout = ROOST_SEC(5)) { body }. */
#define ROOST_TEST(...) ROOST_TEST_(__VA_ARGS__, )
#define ROOST_TEST_(name, ...)                                                                     \
    static void name(void);                                                                        \
    static roost_test_case roost_case_##name = {                                                   \
        #name, __FILE__, __LINE__, name, {__VA_ARGS__.end = 0}, NULL};                             \
    __attribute__((constructor)) static void roost_register_##name(void)                           \
    {                                                                                              \
        roost_test_register(&roost_case_##name);                                                   \
    }                                                                                              \
    ROOST_UNCHECKED_ static void name(void)

/* A failing check prints both values and ends the case as failed. While a torture runs, the body
 * meets cancellations and failures nobody wrote into it: its checks are then not judged, what is
 * left behind at the end is. CHECK_ALWAYS is judged all the same. */
#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : roost_test_fail(__FILE__, __LINE__, #condition, false))
#define CHECK_ALWAYS(condition)                                                                    \
    ((condition) ? (void)0 : roost_test_fail(__FILE__, __LINE__, #condition, true))
#define CHECK_EQ(want, got)                                                                        \
    roost_test_check_eq((int64_t)(want), (int64_t)(got), __FILE__, __LINE__, #got)
#define CHECK_STR(want, got) roost_test_check_str((want), (got), __FILE__, __LINE__, #got)
/* The call returns zero or more. */
#define CHECK_OK(call) roost_test_check_ok((int)(call), __FILE__, __LINE__, #call)

/* ROOST_ASSERT_YIELDS { ... }: the block must suspend at least once. ROOST_NO_YIELD { ... }: it
 * must not suspend. */
#define ROOST_ASSERT_YIELDS ROOST_YIELD_BLOCK_(ROOST_UNIQUE(roost_yields_), true)
#define ROOST_NO_YIELD ROOST_YIELD_BLOCK_(ROOST_UNIQUE(roost_yields_), false)
#define ROOST_YIELD_BLOCK_(before, wanted)                                                         \
    for (uint64_t before = roost_test_steps(), ROOST_JOIN(before, x) = 1; ROOST_JOIN(before, x);   \
         ROOST_JOIN(before, x) = 0, roost_test_check_yield(before, (wanted), __FILE__, __LINE__))

/* Puts the steps of several tasks into one order: ROOST_SEQ(&seq, n) waits until 0..n-1 have
 * passed. Begin with ROOST_SEQUENCER_INIT; each number is used once. */
typedef struct roost_sequencer {
    struct {
        int next;
        struct roost_impl_waitq waiters;
    } priv;
} roost_sequencer;
/* clang-format off */
#define ROOST_SEQUENCER_INIT {{0, {0, 0}}}
/* clang-format on */
#define ROOST_SEQ(seq, n) roost_sequencer_pass((seq), (n))

ROOST_BEGIN_DECLS

/**
 * roost_test_register - add a case; what ROOST_TEST does before main.
 *
 *   test      static.
 *
 * Suspends  never.
 * Threads   the main thread, before main.
 */
ROOST_API void roost_test_register(roost_test_case *test);

/**
 * roost_test_main - run the registered cases as the arguments say.
 *
 *   argc      as main has it.
 *   argv      as main has it.
 *
 * Returns the exit status: 0 when none failed and at least one ran.
 *
 * Suspends  never.
 * Threads   the main thread.
 */
ROOST_API int roost_test_main(int argc, char **argv);

/**
 * roost_test_start - the instant the running case began.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_time roost_test_start(void);

/**
 * roost_test_seed - the seed of the running case.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API uint64_t roost_test_seed(void);

/**
 * roost_test_backend - the backend the running case was asked to use.
 *
 * Lends a static string.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_test_backend(void);

/**
 * roost_test_virtual - whether the clock of the running case is virtual.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API bool roost_test_virtual(void);

/**
 * roost_test_tortured - whether a torture is injecting something into the running case.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API bool roost_test_tortured(void);

/**
 * roost_test_opts_fill - options for a run that a plain case makes itself, as its backend and seed
 * say.
 *
 *   opts      written.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_test_opts_fill(roost_run_opts *opts);

/**
 * roost_test_run - what roost_run would do with roost_test_opts_fill, under the torture in force.
 *
 *   call      the main task.
 *   opts      NULL, or options made from roost_test_opts_fill.
 *
 * Returns the main task's result.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    those of roost_run.
 * Threads   any that has no run.
 */
ROOST_API ROOST_MUST int roost_test_run(roost_call call, const roost_run_opts *opts);

/**
 * roost_test_settle - wait until every other task of the loop waits for something; the virtual
 * clock does not move meanwhile.
 *
 * Suspends  until then.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_test_settle(void);

/**
 * roost_sequencer_pass - wait for one's turn in a sequence; see ROOST_SEQ.
 *
 *   seq       begun with ROOST_SEQUENCER_INIT.
 *   n         this step's number, from 0.
 *
 * Suspends  until the steps before have passed.
 * Cancel    ROOST_ECANCELED; the step has not passed.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EREUSED  the step has passed already.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sequencer_pass(roost_sequencer *seq, int n);

/**
 * roost_test_skip - end the running case as skipped.
 *
 *   missing   what is missing, in words.
 *
 * Suspends  never; it does not return.
 * Threads   the case's own.
 */
ROOST_API ROOST_NORETURN void roost_test_skip(const char *missing);

/**
 * roost_test_steps - how many times the loop has switched, for ROOST_ASSERT_YIELDS.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API uint64_t roost_test_steps(void);

/**
 * roost_test_fail - end the running case as failed, unless a torture is not judged by checks.
 *
 *   file      static.
 *   line      in file.
 *   what      the condition in words.
 *   always    judged under torture as well.
 *
 * Suspends  never.
 * Threads   any of the case.
 */
ROOST_API void roost_test_fail(const char *file, int line, const char *what, bool always);

/**
 * roost_test_check_eq - compare two integers; see CHECK_EQ.
 *
 *   want      the value expected.
 *   got       the value found.
 *   file      static.
 *   line      in file.
 *   what      the expression that was evaluated.
 *
 * Suspends  never.
 * Threads   any of the case.
 */
ROOST_API void roost_test_check_eq(int64_t want, int64_t got, const char *file, int line,
                                   const char *what);

/**
 * roost_test_check_str - compare two strings, NULL allowed; see CHECK_STR.
 *
 *   want      the text expected.
 *   got       the text found.
 *   file      static.
 *   line      in file.
 *   what      the expression that was evaluated.
 *
 * Suspends  never.
 * Threads   any of the case.
 */
ROOST_API void roost_test_check_str(const char *want, const char *got, const char *file, int line,
                                    const char *what);

/**
 * roost_test_check_ok - a result must be zero or more; see CHECK_OK.
 *
 *   rc        the result.
 *   file      static.
 *   line      in file.
 *   what      the call.
 *
 * Suspends  never.
 * Threads   any of the case.
 */
ROOST_API void roost_test_check_ok(int rc, const char *file, int line, const char *what);

/**
 * roost_test_check_yield - see ROOST_ASSERT_YIELDS and ROOST_NO_YIELD.
 *
 *   before    roost_test_steps() before the block.
 *   wanted    whether the block must have suspended.
 *   file      static.
 *   line      in file.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API void roost_test_check_yield(uint64_t before, bool wanted, const char *file, int line);

ROOST_END_DECLS

#endif
