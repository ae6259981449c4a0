/* examples/05_race.c - the first answer wins, the others are cancelled.
 *
 * A race by hand: the winner cancels the group it runs in, and a group that was cancelled by its
 * own program ends with 0. The losers have finished when the block is left.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct race {
    roost_group *group;
    const char *winner;
    int lost;
};

ROOST_ASYNC(ask_mirror, struct race *, race, const char *, name, roost_dur, takes)
{
    int rc = roost_sleep(takes);
    if (rc == 0 && takes < ROOST_MS(10))
        rc = -EHOSTUNREACH; /* this one answers quickly, and has nothing */
    if (rc < 0) {
        race->lost++;
        printf("%-6s %s\n", name, roost_error_name(rc));
        return rc;
    }
    race->winner = name;
    roost_group_cancel(race->group, "another mirror was faster");
    return 0;
}

ROOST_MAIN(argc, argv)
{
    struct race race = {0};
    roost_errors ROOST_AUTO(errors) errors = ROOST_ERRORS_INIT;
    /* A failure is no reason to give up while another mirror may answer: collect, do not cancel. */
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;

    ROOST_GROUP_WITH(g, rc, &opts) {
        race.group = g;
        ROOST_GO(g, ask_mirror, &race, "dublin", ROOST_SEC(30));
        ROOST_GO(g, ask_mirror, &race, "porto", ROOST_MS(20));
        ROOST_GO(g, ask_mirror, &race, "turku", ROOST_MS(5));
        ROOST_GO(g, ask_mirror, &race, "varna", ROOST_SEC(40));
    }
    if (!race.winner)
        return rc; /* nobody answered: the first failure */
    printf("%s answered; %d lost, %d of them by an error\n", race.winner, race.lost,
           (int)roost_errors_count(&errors));
    return 0;
}
