/* examples/36_child.c - run a program with a deadline: feed it, take what it prints, see how it
 * ended.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

/* At most two seconds; a child that is still there then is stopped, and reaped in any case. */
static ROOST_SUSPENDS int sort_lines(const char *text, roost_child_result *result)
{
    const char *const argv[] = {"sort", "-r", NULL};
    roost_child_opts opts = {.argv = argv,
                             .input = {text, strlen(text)},
                             .out = ROOST_CHILD_PIPE,
                             .err = ROOST_CHILD_PIPE,
                             .check = true};
    return ROOST_WITHIN(ROOST_SEC(2), roost_child_run(&opts, result));
}

/* With the handle of a child its pipes are streams. */
static ROOST_SUSPENDS int talk(void)
{
    ROOST_AUTO(child) roost_child *child = NULL;
    roost_child_opts opts = {.shell = "while read n; do echo $((n * n)); done",
                             .in = ROOST_CHILD_PIPE,
                             .out = ROOST_CHILD_PIPE};
    roost_child_status status;
    roost_bytes line;
    ROOST_TRY(roost_child_start(&opts, &child));
    ROOST_TRY(roost_write_all(roost_child_in(child), "7\n12\n", 5));
    ROOST_TRY(roost_write_end(roost_child_in(child)));
    for (int rc; (rc = roost_read_line(roost_child_out(child), &line)) != 0;) {
        ROOST_TRY(rc);
        printf("squared: %.*s\n", (int)line.len, line.data);
    }
    ROOST_TRY(roost_child_wait(child, &status));
    printf("exited with %d\n", status.code);
    return 0;
}

ROOST_MAIN(argc, argv)
{
    ROOST_AUTO(child_result) roost_child_result result = {.status = {0, 0}};
    (void)argc;
    (void)argv;
    ROOST_TRY(sort_lines("one\ntwo\nthree\n", &result));
    printf("%s", result.out.data);
    return talk();
}
