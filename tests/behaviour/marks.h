/* tests/behaviour/marks.h - the order in which tasks did something, as a line of letters.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_MARKS_H
#define ROOST_TESTS_MARKS_H

#include <roost/testing.h>

/* Begin zeroed. */
struct marks {
    int count;
    char text[64];
};

static inline void mark(struct marks *marks, int letter)
{
    if (marks->count < (int)sizeof marks->text - 1)
        marks->text[marks->count++] = (char)letter;
}

#define CHECK_MARKS(want, marks) CHECK_STR((want), (marks).text)

/* Cancels a task and gives its handle back, if there is one. */
static inline void cancel_task(roost_task *task)
{
    if (task)
        roost_task_cancel(task, "by the test");
    roost_task_drop(task);
}

#endif
