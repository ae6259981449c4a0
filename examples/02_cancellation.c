/* examples/02_cancellation.c - cancelling a task that has to write one last line.
 *
 * A cancelled task is not killed: its suspending calls return ROOST_ECANCELED from then on, and it
 * returns that code upwards. What must still be done, and suspends, goes into ROOST_CLEANUP.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

/* A log on a slow disk: every line takes 5 ms. */
struct file_log {
    int lines;
};

ROOST_ASYNC(log_append, struct file_log *, log, const char *, text)
{
    ROOST_TRY(roost_sleep(ROOST_MS(5)));
    printf("log line %d: %s\n", ++log->lines, text);
    return 0;
}

ROOST_ASYNC(worker, struct file_log *, log)
{
    int rc;
    while ((rc = roost_sleep(ROOST_MS(100))) == 0)
        rc = log_append(log, "tick");

    /* Here every suspending call is refused ... */
    if (log_append(log, "this line is never written") == ROOST_ECANCELED)
        printf("the log refuses: the task is cancelled\n");

    /* ... but in here, for at most a second. */
    ROOST_CLEANUP(ROOST_SEC(1)) {
        roost_ignore(log_append(log, "cancelled"));
    }
    return rc; /* ROOST_ECANCELED goes up, unchanged */
}

ROOST_MAIN(argc, argv)
{
    struct file_log log = {0};
    roost_task *task;
    int result = 0;
    int rc = 0;

    ROOST_GROUP(g, rc) {
        ROOST_TRY(ROOST_SPAWN(&task, g, worker, &log));
        ROOST_TRY(roost_sleep(ROOST_MS(250)));
        roost_task_cancel(task, "enough");
        ROOST_TRY(roost_join(task, &result));
    }
    printf("the worker returned %s, its group %d\n", roost_error_name(result), rc);

    /* The same by a deadline: the block is left when its time is over, and that is no error. */
    ROOST_MOVE_ON(rc, ROOST_MS(250)) {
        rc = worker(&log);
    }
    printf("the block ended with %d after %d lines\n", rc, log.lines);
    return rc;
}
