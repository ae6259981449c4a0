/* examples/17_select.c - one task waits for several things, and takes exactly one at a time.
 *
 * A teller serves whoever comes first, at the door or by phone, until closing time. What the other
 * cases waited for is untouched each time: an order that is not taken is still there.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>
#include <roost/chan.h>
#include <roost/select.h>

ROOST_ASYNC(customer, roost_chan *, ch, roost_dur, pause, int, orders)
{
    for (int i = 1; i <= orders; i++) {
        ROOST_TRY(roost_sleep(pause));
        ROOST_TRY(roost_chan_send(ch, &i));
    }
    roost_chan_close_send(ch); /* the customer leaves; the teller hears of it */
    return 0;
}

ROOST_ASYNC(teller, roost_chan *, door, roost_chan *, phone, roost_dur, hours)
{
    int order = 0;
    roost_case cases[] = {
        ROOST_CASE_RECV(door, &order), /* of several that are ready the first is taken */
        ROOST_CASE_RECV(phone, &order),
        ROOST_CASE_AT(roost_time_add(roost_now(), hours)),
    };
    int which;
    while ((which = roost_select(cases, 3)) >= 0 && which != 2) {
        if (cases[which].rc == 0) {
            printf("%s: order %d\n", which == 0 ? "door" : "phone", order);
        } else {
            printf("%s: nobody any more\n", which == 0 ? "door" : "phone");
            cases[which] = ROOST_CASE_RECV(NULL, NULL); /* never ready again */
        }
    }
    printf(which == 2 ? "closing time\n" : "interrupted\n");
    return which < 0 ? which : 0;
}

ROOST_MAIN(argc, argv)
{
    ROOST_AUTO(chan) roost_chan *door = NULL;
    ROOST_AUTO(chan) roost_chan *phone = NULL;
    int rc = 0;
    roost_chan_opts opts = {.item_size = sizeof(int)};
    ROOST_TRY(roost_chan_open(&opts, &door));
    ROOST_TRY(roost_chan_open(&opts, &phone));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, customer, door, ROOST_MS(10), 2); /* comes at 10 and 20 ms */
        ROOST_GO(g, customer, phone, ROOST_MS(70), 100);
        rc = teller(door, phone, ROOST_MS(105));
        roost_group_cancel(g, "closed"); /* whoever would have called later */
    }
    return rc;
}
