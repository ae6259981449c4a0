/* tests/kit/contract.c - runs the checks of the contract of streams.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/contract.h"

#include <stdio.h>

#include "base/rng.h"

uint64_t contract_draw(struct contract *c, uint64_t bound)
{
    struct roosti_rng rng = {c->random};
    uint64_t drawn = roosti_rng_below(&rng, bound);
    c->random = rng.state;
    return drawn;
}

unsigned char contract_byte(uint64_t at)
{
    return (unsigned char)(at * 2654435761u >> 13);
}

int contract_end(struct contract *c)
{
    if (!(c->flags & ROOST_CHECK_NO_ENDS))
        return roost_write_end(c->a);
    roost_stream *a = c->a;
    c->a = NULL;
    return roost_stream_close(a);
}

ROOST_ASYNC(part_run, struct contract *, c, contract_part, part)
{
    int rc = part(c);
    if (rc < 0)
        roost_group_cancel(c->group, "a part of a check has failed");
    return rc;
}

static int check_run(struct contract *c, const struct contract_check *check)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        c->group = g;
        for (int i = 0; i < 4 && check->parts[i]; i++)
            ROOST_GO(g, part_run, c, check->parts[i]);
    }
    return rc;
}

static int checks_run(const struct contract_check *checks, roost_stream_maker make, void *arg,
                      unsigned flags)
{
    for (const struct contract_check *check = checks; check->name; check++) {
        struct contract c = {.flags = flags, .random = roost_test_seed()};
        if (check->leaves_out & flags)
            continue;
        int rc = make(arg, &c.a, &c.b);
        if (rc < 0) {
            CHECK_OK(rc);
            return rc;
        }
        printf("# stream: %s\n", check->name);
        rc = check_run(&c, check);
        CHECK_OK(rc);
        roost_stream_abort(c.a);
        roost_stream_abort(c.b);
        if (rc < 0)
            return rc;
        /* Under torture a part may have been cancelled alone: there is nothing more to learn. */
        rc = roost_checkpoint();
        if (rc < 0)
            return rc;
    }
    return 0;
}

void roost_check_stream(roost_stream_maker make, void *arg, unsigned flags)
{
    if (checks_run(contract_bytes, make, arg, flags) == 0)
        (void)checks_run(contract_ends, make, arg, flags);
}
