/* examples/07_service.c - a background service, and a program that ends in order at Ctrl-C.
 *
 * The first SIGINT or SIGTERM makes roost_stopping() true; a program that never asks is cancelled
 * at once. A second signal cancels through every shield. When the main task has returned,
 * background tasks are stopped the same way, last started first.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>

#include <roost.h>

struct ledger {
    int entered;
    int saved;
};

/* Belongs to the run, not to the caller: it may keep no pointers to a caller's locals. */
ROOST_ASYNC(save_now_and_then, struct ledger *, ledger)
{
    while (!roost_stopping()) {
        int rc = 0;
        ROOST_MOVE_ON(rc, ROOST_MS(20)) {
            rc = roost_wait_stopping();
        }
        ROOST_TRY(rc);
        ledger->saved = ledger->entered;
    }
    printf("saver: stopping, %s\n", ledger->saved == ledger->entered ? "all saved" : "not saved");
    return 0;
}

ROOST_ASYNC(take_orders, struct ledger *, ledger)
{
    while (!roost_stopping()) {
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
        if (++ledger->entered == 50)
            raise(SIGINT); /* somebody presses Ctrl-C */
    }
    printf("orders: stopping after %s orders\n", ledger->entered >= 50 ? "50 or more" : "too few");
    return 0;
}

ROOST_ASYNC(shop, struct ledger *, ledger)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(save_now_and_then, ledger),
                             &(roost_bg_opts){.name = "saver", .policy = ROOST_BG_ABORT}));
    ROOST_TRY(take_orders(ledger));
    printf("shop: closed\n");
    return 0;
}

/* What ROOST_MAIN stands for, with options and one's own exit status. */
int main(void)
{
    struct ledger ledger = {0};
    int rc =
        roost_run(ROOST_CALL(shop, &ledger), &(roost_run_opts){.shutdown_grace = ROOST_SEC(5)});
    printf("the run returned %d\n", rc);
    return rc < 0;
}
