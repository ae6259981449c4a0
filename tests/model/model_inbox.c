/* tests/model/model_inbox.c - posts into a loop that works, sleeps or ends.
 *
 * Every post of a sender runs once, in its order; the loop never sleeps while one is pending; after
 * it has ended nothing touches its port.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "model/hooks.h"
#include "model/model.h"
#include "model/loop_world.h"
#include "rt/inbox.h"

enum { SENDERS = 2, POSTS = 4 };

struct parcel {
    roost_post_slot slot;
    int sender;
    int nth;
    int payload; /* plain: sending is what orders it */
    int sent;    /* what the sender was told; its own */
};

static struct {
    struct model_loop *world;
    struct parcel parcels[SENDERS][POSTS];
    int counts[SENDERS]; /* each sends so many */
    int arrived[SENDERS];
    int wanted; /* the task waits until so many are there */
    bool waiting;
} box;

void model_locals(void)
{
    model_local((void **)&roosti_loop_here);
}

/* -- on the loop ------------------------------------------------------------------------------- */

static int arrived_all(void)
{
    return box.arrived[0] + box.arrived[1];
}

static void parcel_arrive(void *arg)
{
    struct parcel *parcel = arg;
    model_check(parcel->payload == 100 + parcel->nth);
    model_check(box.arrived[parcel->sender] == parcel->nth); /* in order, and once */
    box.arrived[parcel->sender]++;
    if (box.waiting && arrived_all() == box.wanted) {
        box.waiting = false;
        roosti_wake(&box.world->task, 0);
    }
}

static bool receive_abort(struct roost_task *task)
{
    (void)task;
    return false;
}

/* Waits for all of them in one go, so the loop sleeps whenever it can. */
static void receive_body(void *arg)
{
    (void)arg;
    box.world->loop.outside++;
    while (arrived_all() < box.wanted) {
        box.waiting = true;
        (void)roosti_park(&box.world->task, receive_abort, "parcels", NULL);
    }
    box.world->loop.outside--;
}

/* Without a loop around it: the inbox alone, and who drains it looks until all are there. */
static void drain_only(void *arg)
{
    (void)arg;
    while (arrived_all() < box.wanted)
        if (roosti_inbox_drain(box.world->loop.inbox, SIZE_MAX) == 0)
            roosti_thread_pause();
    roosti_inbox_close(box.world->loop.inbox);
    roosti_inbox_unref(box.world->loop.inbox);
}

static void receive(void *arg)
{
    (void)arg;
    model_loop_run(box.world, receive_body, NULL);
}

/* -- senders ----------------------------------------------------------------------------------- */

static void send_parcels(void *arg)
{
    int sender = (int)(intptr_t)arg;
    for (int i = 0; i < box.counts[sender]; i++) {
        struct parcel *parcel = &box.parcels[sender][i];
        parcel->payload = 100 + i;
        parcel->sent = roosti_inbox_send(box.world->loop.inbox, &parcel->slot);
    }
    roosti_inbox_unref(box.world->loop.inbox);
}

static void box_begin(int first, int second, void (*loop_body)(void *arg))
{
    model_world_begin();
    box.world = model_loop_new();
    model_thread("loop", loop_body, NULL);
    box.counts[0] = first;
    box.counts[1] = second;
    for (int sender = 0; sender < SENDERS; sender++) {
        for (int i = 0; i < box.counts[sender]; i++) {
            struct parcel *parcel = &box.parcels[sender][i];
            *parcel = (struct parcel){.sender = sender, .nth = i, .sent = 1};
            roost_post_slot_init(&parcel->slot, parcel_arrive, parcel);
        }
        box.arrived[sender] = 0;
        if (box.counts[sender] == 0)
            continue;
        roosti_inbox_ref(box.world->loop.inbox);
        model_thread(sender ? "second" : "first", send_parcels, (void *)(intptr_t)sender);
    }
    box.wanted = first + second;
    box.waiting = false;
}

static void one_sender_setup(void)
{
    box_begin(2, 0, receive);
}

static void two_senders_setup(void)
{
    box_begin(1, 1, receive);
}

static void two_drained_setup(void)
{
    box_begin(1, 1, drain_only);
}

static void four_drained_setup(void)
{
    box_begin(4, 0, drain_only);
}

static void two_senders_of_two_setup(void)
{
    box_begin(2, 2, drain_only);
}

static void all_arrived(void)
{
    model_check(arrived_all() == box.wanted);
    model_check(!box.world->cancelled);
    model_check(model_heap_live() == 0);
}

/* -- the end of a loop while somebody sends: what was taken runs, what was refused does not ------
 */

static void end_body(void *arg)
{
    (void)arg;
}

static void end_at_once(void *arg)
{
    (void)arg;
    model_loop_run(box.world, end_body, NULL);
}

static void end_setup(void)
{
    box_begin(1, 1, end_at_once);
}

static void end_finish(void)
{
    for (int sender = 0; sender < SENDERS; sender++) {
        int taken = 0;
        for (int i = 0; i < box.counts[sender]; i++) {
            int sent = box.parcels[sender][i].sent;
            model_check(sent == 0 || sent == ROOST_ECLOSED);
            taken += sent == 0;
        }
        model_check(box.arrived[sender] == taken);
    }
    model_check(model_heap_live() == 0);
}

/* -- the port's own word: what somebody wrote before he woke it is seen after the wait ------------
 */

static uint32_t written_before[SENDERS]; /* atomic, relaxed */

static void write_and_wake(void *arg)
{
    struct roosti_port *port = box.world->loop.port;
    for (int i = 0; i < 2; i++) {
        (void)roosti_atomic_add((uint32_t *)arg, 1, ROOSTI_RELAXED);
        port->ops->wake(port);
    }
}

static void wait_for_both(void *arg)
{
    struct roosti_port *port = box.world->loop.port;
    (void)arg;
    while (roosti_atomic_load(&written_before[0], ROOSTI_RELAXED) < 2 ||
           roosti_atomic_load(&written_before[1], ROOSTI_RELAXED) < 2)
        (void)port->ops->wait(port, ROOST_NEVER);
}

static void wake_setup(void)
{
    model_world_begin();
    box.world = model_loop_new();
    model_thread("waits", wait_for_both, NULL);
    for (int i = 0; i < SENDERS; i++) {
        written_before[i] = 0;
        model_thread(i ? "second" : "first", write_and_wake, &written_before[i]);
    }
}

/* -- one slot, posted by two threads: what they did before is seen by a run of its function -----
 */

static struct {
    roost_post_slot slot;
    uint32_t wishes; /* atomic, relaxed */
    uint32_t granted;
    uint32_t wanted;
} once;

static void once_arrive(void *arg)
{
    (void)arg;
    once.granted = roosti_atomic_load(&once.wishes, ROOSTI_RELAXED);
    if (box.waiting && once.granted == once.wanted) {
        box.waiting = false;
        roosti_wake(&box.world->task, 0);
    }
}

static void once_body(void *arg)
{
    (void)arg;
    while (once.granted < once.wanted) {
        box.waiting = true;
        (void)roosti_park(&box.world->task, receive_abort, "wishes", NULL);
    }
}

static void once_receive(void *arg)
{
    (void)arg;
    model_loop_run(box.world, once_body, NULL);
}

static void once_post(void *arg)
{
    roost_poster *poster = arg;
    for (uint32_t i = 0; i < once.wanted / 2; i++) {
        (void)roosti_atomic_add(&once.wishes, 1, ROOSTI_RELAXED);
        int rc = roost_post_once(poster, &once.slot);
        model_check(rc == 0 || rc == ROOST_ECLOSED); /* the wish was granted before it was posted */
    }
    roost_poster_close(poster);
}

static void once_setup(void)
{
    model_world_begin();
    box.world = model_loop_new();
    box.waiting = false;
    once.wishes = once.granted = 0;
    once.wanted = 2;
    roost_post_slot_init(&once.slot, once_arrive, NULL);
    model_thread("loop", once_receive, NULL);
    model_thread("first", once_post, model_loop_poster(box.world));
    model_thread("second", once_post, model_loop_poster(box.world));
}

/* The same without a loop around the inbox, each twice. */
static void once_drain(void *arg)
{
    (void)arg;
    while (once.granted < once.wanted)
        if (roosti_inbox_drain(box.world->loop.inbox, SIZE_MAX) == 0)
            roosti_thread_pause();
}

static void once_post_only(void *poster)
{
    for (uint32_t i = 0; i < once.wanted / 2; i++) {
        (void)roosti_atomic_add(&once.wishes, 1, ROOSTI_RELAXED);
        model_check(roost_post_once(poster, &once.slot) == 0);
    }
}

static void once_twice_setup(void)
{
    model_world_begin();
    box.world = model_loop_new();
    once.wishes = once.granted = 0;
    once.wanted = 4;
    roost_post_slot_init(&once.slot, once_arrive, NULL);
    box.waiting = false;
    model_thread("drains", once_drain, NULL);
    model_thread("first", once_post_only, model_loop_poster(box.world));
    model_thread("second", once_post_only, model_loop_poster(box.world));
}

static void once_twice_finish(void)
{
    model_check(once.granted == once.wanted);
}

static void once_finish(void)
{
    model_check(once.granted == once.wanted);
    model_check(!box.world->cancelled);
    model_check(model_heap_live() == 0);
}

/* -- the last poster is closed: a loop that sleeps hears of it, and of the post before -----------
 */

static void post_and_close(void *arg)
{
    roost_poster *poster = arg;
    model_check(roosti_inbox_send(box.world->loop.inbox, &once.slot) == 0);
    roost_poster_close(poster);
}

static void close_only(void *arg)
{
    roost_poster_close(arg);
}

static void posted_arrive(void *arg)
{
    (void)arg;
    once.granted = 1;
    if (box.waiting)
        roosti_wake(&box.world->task, 0);
    box.waiting = false;
}

static bool alone_abort(struct roost_task *task)
{
    (void)task;
    return true;
}

static void posted_body(void *arg)
{
    (void)arg;
    box.waiting = once.granted == 0;
    if (box.waiting)
        (void)roosti_park(&box.world->task, receive_abort, "a post", NULL);
}

static void alone_body(void *arg)
{
    (void)arg;
    int rc = roosti_park(&box.world->task, alone_abort, "nobody", NULL);
    model_check(rc == ROOST_ECANCELED);
}

static void posted_receive(void *arg)
{
    model_loop_run(box.world, arg ? posted_body : alone_body, NULL);
}

static void poster_begin(bool posts)
{
    model_world_begin();
    box.world = model_loop_new();
    box.waiting = false;
    once.granted = 0;
    roost_post_slot_init(&once.slot, posted_arrive, NULL);
    model_thread("loop", posted_receive, posts ? box.world : NULL);
    if (!posts)
        model_thread("first", close_only, model_loop_poster(box.world));
    model_thread("last", posts ? post_and_close : close_only, model_loop_poster(box.world));
}

static void post_close_setup(void)
{
    poster_begin(true);
}

static void post_close_finish(void)
{
    model_check(once.granted == 1 && !box.world->cancelled);
    model_check(model_heap_live() == 0);
}

static void alone_setup(void)
{
    poster_begin(false);
}

static void alone_finish(void)
{
    model_check(box.world->cancelled);
    model_check(model_heap_live() == 0);
}

const struct model_case model_cases[] = {
    {"one_sender_of_two", one_sender_setup, all_arrived, NULL, 0},
    {"two_senders", two_senders_setup, all_arrived, NULL, 0},
    {"two_senders_of_two_drained", two_senders_of_two_setup, all_arrived, NULL, 0},
    {"two_senders_drained", two_drained_setup, all_arrived, NULL, 0},
    {"one_sender_of_four_drained", four_drained_setup, all_arrived, NULL, 0},
    {"an_end_while_two_send", end_setup, end_finish, NULL, 0},
    {"the_word_that_wakes", wake_setup, NULL, NULL, 0},
    {"one_slot_posted_by_two", once_setup, once_finish, NULL, 0},
    {"one_slot_posted_twice_by_two", once_twice_setup, once_twice_finish, NULL, 0},
    {"a_post_before_the_last_poster_goes", post_close_setup, post_close_finish, NULL, 0},
    {"the_last_poster_goes", alone_setup, alone_finish, NULL, 0},
    {NULL, NULL, NULL, NULL, 0},
};
