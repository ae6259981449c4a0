/* examples/20_race.c - the first answer wins, the others are cancelled.
 *
 * Each call has a place of its own for its answer, since a loser may have been writing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct page {
    char text[32];
};

ROOST_ASYNC(fetch, const char *, mirror, roost_dur, takes, int, code, struct page *, out)
{
    int rc = roost_sleep(takes);
    if (rc == 0)
        rc = code;
    printf("%-6s %s\n", mirror, roost_error_name(rc));
    ROOST_TRY(rc);
    snprintf(out->text, sizeof out->text, "the page from %s", mirror);
    return 200;
}

ROOST_MAIN(argc, argv)
{
    struct page pages[3];
    int status = 0;
    roost_call mirrors[] = {ROOST_CALL(fetch, "dublin", ROOST_SEC(30), 0, &pages[0]),
                            ROOST_CALL(fetch, "turku", ROOST_MS(5), -EHOSTUNREACH, &pages[1]),
                            ROOST_CALL(fetch, "porto", ROOST_MS(20), 0, &pages[2])};

    /* A failure does not win: turku answers first, and has nothing. */
    int winner = roost_race(mirrors, 3, &(roost_race_opts){.result = &status});
    ROOST_TRY(winner);
    printf("%d: %s\n", status, pages[winner].text);

    /* A second of patience before the next one is asked, and none when one fails. */
    winner = roost_staggered_race(mirrors + 1, 2, ROOST_SEC(1), NULL);
    ROOST_TRY(winner);
    printf("%s\n", pages[winner + 1].text);

    /* Nobody has it: the failure that came first, and the list of all. */
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_call down[] = {ROOST_CALL(fetch, "varna", ROOST_MS(10), -ECONNREFUSED, &pages[0]),
                         ROOST_CALL(fetch, "oslo", ROOST_MS(2), -EHOSTUNREACH, &pages[1])};
    winner = roost_race(down, 2, &(roost_race_opts){.errors = &errors});
    printf("%s, failures: %zu\n", roost_error_name(winner), roost_errors_count(&errors));
    return 0;
}
