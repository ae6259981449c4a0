/* tests/sim/posts.c - posts from tasks and from posts, while scopes they cancel come and go.
 *
 * The senders are on the loop itself, so that the seed decides everything; threads that post stand
 * in the tests of posts.
 *
 * Oracles: what a sender has posted runs in its order, each once, all before the run is over; a
 * slot posted again before it ran runs once.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/post.h>

#include "kit/world.h"

enum { SENDERS = 5, LETTERS = 60 };

struct sender {
    uint64_t *rng;
    roost_poster *poster;
    int sent;
    int arrived;
    int slot_sent; /* since it last ran */
    int slot_posts;
    int slot_runs;
    roost_post_slot slot;
};

struct letter {
    struct sender *from;
    int number;
    int answers; /* posts it sends on when it arrives */
};

static struct sender senders[SENDERS];
static struct letter letters[SENDERS][LETTERS * 2];

static int draw(uint64_t *rng, int bound)
{
    return (int)kit_draw(rng, "posts", (uint64_t)bound);
}

static void letter_send(struct sender *sender, int answers);

static void letter_arrives(void *arg)
{
    struct letter *letter = arg;
    struct sender *sender = letter->from;
    CHECK_EQ(letter->number, sender->arrived);
    sender->arrived++;
    for (int i = 0; i < letter->answers; i++)
        letter_send(sender, 0);
}

static void letter_send(struct sender *sender, int answers)
{
    struct letter *letter = &letters[sender - senders][sender->sent];
    *letter = (struct letter){sender, sender->sent, answers};
    if (roost_post(sender->poster, letter_arrives, letter) == 0)
        sender->sent++;
}

static void slot_runs(void *arg)
{
    struct sender *sender = arg;
    CHECK(sender->slot_sent > 0);
    sender->slot_sent = 0;
    sender->slot_runs++;
}

ROOST_ASYNC(send_letters, struct sender *, sender)
{
    for (int i = 0; i < LETTERS; i++) {
        letter_send(sender, draw(sender->rng, 4) == 0);
        if (draw(sender->rng, 3) == 0) {
            CHECK_OK(roost_post_once(sender->poster, &sender->slot));
            sender->slot_sent++;
            sender->slot_posts++;
        }
        int choice = draw(sender->rng, 4);
        if (choice == 0)
            ROOST_TRY(roost_yield());
        else if (choice == 1)
            ROOST_TRY(roost_sleep(ROOST_US(draw(sender->rng, 5))));
    }
    return 0;
}

ROOST_ASYNC(send_all, uint64_t *, rng)
{
    int rc = 0;
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.rng = rng};
        roost_post_slot_init(&senders[i].slot, slot_runs, &senders[i]);
        if (rc == 0)
            rc = roost_poster_open(&senders[i].poster);
    }
    ROOST_GROUP(g, rc)
        for (int i = 0; i < SENDERS && rc == 0; i++)
            ROOST_GO(g, send_letters, &senders[i]);
    for (int i = 0; i < SENDERS; i++)
        roost_poster_close(senders[i].poster);
    return rc;
}

ROOST_TEST(every_post_runs_once_and_in_order, .plain = true)
{
    uint64_t rng = 0;
    CHECK_EQ(0, roost_test_run(ROOST_CALL(send_all, &rng), NULL));
    for (int i = 0; i < SENDERS; i++) {
        CHECK(senders[i].sent >= LETTERS);
        CHECK_EQ(senders[i].sent, senders[i].arrived);
        CHECK_EQ(0, senders[i].slot_sent);
        CHECK(senders[i].slot_runs <= senders[i].slot_posts);
        CHECK((senders[i].slot_runs > 0) == (senders[i].slot_posts > 0));
    }
}

/* -- posts that cancel --------------------------------------------------------------------------*/

struct target {
    roost_scope scope;
    roost_post_slot slot;
    bool fired;
};

static void target_cancel(void *arg)
{
    struct target *target = arg;
    target->fired = true;
    roost_scope_cancel(&target->scope, "by a post");
}

ROOST_ASYNC(be_a_target, roost_poster *, poster, uint64_t *, rng)
{
    for (int i = 0; i < 10; i++) {
        struct target target = {.fired = false};
        roost_scope_init(&target.scope, NULL);
        roost_post_slot_init(&target.slot, target_cancel, &target);
        ROOST_TRY(roost_scope_enter(&target.scope));
        int rc = roost_post_once(poster, &target.slot);
        CHECK_EQ(0, rc);
        rc = draw(rng, 2) ? roost_sleep_forever() : roost_sleep(ROOST_MS(1));
        CHECK_EQ(ROOST_ECANCELED, rc);
        CHECK(target.fired);
        ROOST_TRY(roost_scope_end(&target.scope, rc));
    }
    return 0;
}

ROOST_TEST(posts_that_cancel_end_what_they_were_sent_for, .no_torture = true)
{
    uint64_t rng = 0;
    roost_poster *poster = NULL;
    int rc = 0;
    CHECK_OK(roost_poster_open(&poster));
    ROOST_GROUP(g, rc)
        for (int i = 0; i < SENDERS; i++)
            ROOST_GO(g, be_a_target, poster, &rng);
    roost_poster_close(poster);
    CHECK_OK(rc);
}
