/* examples/32_udp.c - datagrams: a clock that answers whoever asks.
 *
 * A datagram may get lost, so who asks waits for a while and asks again.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

/* Answers each question with its number. */
ROOST_ASYNC(answer, roost_udp *, udp)
{
    char question[64], text[32];
    for (int count = 1;; count++) {
        roost_datagram in = {.data = question, .size = sizeof question};
        ROOST_TRY(roost_udp_recv(udp, &in));
        int len = snprintf(text, sizeof text, "answer %d", count);
        ROOST_TRY(roost_udp_send_to(udp, &in.from, text, (size_t)len));
    }
}

static ROOST_SUSPENDS int ask_once(roost_udp *udp, roost_datagram *in)
{
    ROOST_TRY(roost_udp_send(udp, "what time is it", 15));
    return roost_udp_recv(udp, in);
}

static ROOST_SUSPENDS int ask(const char *address)
{
    ROOST_AUTO(udp) roost_udp *udp = NULL;
    char text[64];
    roost_datagram in = {.data = text, .size = sizeof text};
    ROOST_TRY(roost_udp_open(NULL, &(roost_udp_opts){.remote = address}, &udp));
    for (int i = 0; i < 2; i++) {
        int rc = ROOST_ETIMEDOUT;
        for (int tries = 0; rc == ROOST_ETIMEDOUT && tries < 3; tries++)
            rc = ROOST_WITHIN(ROOST_SEC(1), ask_once(udp, &in));
        ROOST_TRY(rc);
        printf("%.*s\n", (int)in.len, text);
    }
    return 0;
}

ROOST_MAIN(argc, argv)
{
    ROOST_AUTO(udp) roost_udp *udp = NULL;
    char address[ROOST_ADDRESS_TEXT_MAX];
    int rc = 0;
    (void)argc;
    (void)argv;
    ROOST_TRY(roost_udp_open("127.0.0.1:0", NULL, &udp));
    ROOST_TRY(roost_udp_address(udp, address, sizeof address));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, answer, udp);
        rc = ask(address);
        roost_group_cancel(g, "no more questions");
    }
    return rc;
}
