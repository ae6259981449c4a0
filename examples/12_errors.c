/* examples/12_errors.c - errors: codes that travel up, the trail they leave, a group's whole list.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

ROOST_ASYNC(read_part, int, part)
{
    ROOST_TRY(roost_sleep(ROOST_MS(part)));
    if (part % 2 == 0)
        return roost_error_note(-EIO, "part %d of the disk", part);
    return 0;
}

ROOST_ASYNC(read_slowly, int, part)
{
    ROOST_TRY(ROOST_WITHIN(ROOST_MS(10), roost_sleep(ROOST_SEC(part))));
    return 0;
}

ROOST_ASYNC(read_disk)
{
    roost_errors ROOST_AUTO(errors) errors = ROOST_ERRORS_INIT;
    roost_errors ROOST_AUTO(errors) late = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;

    ROOST_GROUP_WITH(g, rc, &opts) {
        for (int part = 1; part <= 4; part++)
            ROOST_GO(g, read_part, part);
        ROOST_GO(g, read_slowly, 5);
    }
    const roost_error *error;
    for (size_t i = 0; (error = roost_errors_at(&errors, i)) != NULL; i++) {
        printf("%s: %s, %s\n", error->task_name, roost_error_name(error->code),
               error->steps[0].note[0] ? "with a note" : "without a note");
    }
    size_t moved = roost_errors_split(&errors, ROOST_ETIMEDOUT, &late);
    printf("late: %zu, others: %zu\n", moved, roost_errors_count(&errors));
    return rc; /* the first one in order of completion */
}

ROOST_MAIN(argc, argv)
{
    roost_error error;
    int rc = read_disk();
    printf("the disk: %s (%s)\n", roost_error_text(rc), roost_error_name(rc));

    rc = read_part(8);
    if (rc < 0 && roost_error_last(&error) == 0)
        printf("%s of task '%s': %s\n", roost_error_name(error.code), error.task_name,
               error.steps[0].note);
    return 0;
}
