/* tests/model/model_litmus.c - the checker itself: small programs of which is known what may
 * happen.
 *
 * Each notes what its threads have read. When all has been tried, what C allows must have happened
 * at least once, what it forbids never.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "model/model.h"

enum { OUTCOMES = 16 };

static struct {
    uint32_t x, y;
    int plain;
    int store, load, fence; /* orders; fence 0: none */
    uint32_t read[4];
    bool seen[OUTCOMES];
} litmus;

void model_locals(void)
{
}

static void litmus_clear(int store, int load, int fence)
{
    litmus.x = litmus.y = 0;
    litmus.plain = 0;
    litmus.store = store;
    litmus.load = load;
    litmus.fence = fence;
    for (int i = 0; i < 4; i++)
        litmus.read[i] = 0;
}

/* Notes the outcome: the values read, a bit each, the first thread's lowest. */
static void litmus_note(void)
{
    unsigned outcome = 0;
    for (unsigned i = 0; i < 4; i++)
        outcome |= (litmus.read[i] & 1) << i;
    litmus.seen[outcome] = true;
}

/* allowed, forbidden: a bit for each outcome. */
static void litmus_judge(unsigned allowed, unsigned forbidden)
{
    for (unsigned i = 0; i < OUTCOMES; i++) {
        if (allowed >> i & 1 && !litmus.seen[i])
            model_fail("outcome %#x is allowed and was not found", i);
        if (forbidden >> i & 1 && litmus.seen[i])
            model_fail("outcome %#x is forbidden and was found", i);
        litmus.seen[i] = false;
    }
}

/* -- store buffering --------------------------------------------------------------------------- */

static void sb_left(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.x, 1, litmus.store);
    if (litmus.fence)
        roosti_atomic_fence(litmus.fence);
    litmus.read[0] = roosti_atomic_load(&litmus.y, litmus.load);
}

static void sb_right(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.y, 1, litmus.store);
    if (litmus.fence)
        roosti_atomic_fence(litmus.fence);
    litmus.read[1] = roosti_atomic_load(&litmus.x, litmus.load);
}

static void sb_threads(int store, int load, int fence)
{
    litmus_clear(store, load, fence);
    model_thread("left", sb_left, NULL);
    model_thread("right", sb_right, NULL);
}

static void sb_weak_setup(void)
{
    sb_threads(ROOSTI_RELEASE, ROOSTI_ACQUIRE, 0);
}

static void sb_weak_done(void)
{
    litmus_judge(0xf, 0);
}

static void sb_strong_setup(void)
{
    sb_threads(ROOSTI_SEQ_CST, ROOSTI_SEQ_CST, 0);
}

static void sb_fenced_setup(void)
{
    sb_threads(ROOSTI_RELAXED, ROOSTI_RELAXED, ROOSTI_SEQ_CST);
}

static void sb_half_fenced_setup(void)
{
    sb_threads(ROOSTI_SEQ_CST, ROOSTI_RELAXED, ROOSTI_ACQ_REL);
}

static void sb_strong_done(void)
{
    litmus_judge(0xe, 0x1);
}

/* -- message passing --------------------------------------------------------------------------- */

static void mp_write(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.x, 1, ROOSTI_RELAXED);
    if (litmus.fence)
        roosti_atomic_fence(ROOSTI_RELEASE);
    roosti_atomic_store(&litmus.y, 1, litmus.store);
}

static void mp_read(void *arg)
{
    (void)arg;
    litmus.read[0] = roosti_atomic_load(&litmus.y, litmus.load);
    if (litmus.fence)
        roosti_atomic_fence(ROOSTI_ACQUIRE);
    litmus.read[1] = roosti_atomic_load(&litmus.x, ROOSTI_RELAXED);
}

static void mp_threads(int store, int load, int fence)
{
    litmus_clear(store, load, fence);
    model_thread("writes", mp_write, NULL);
    model_thread("reads", mp_read, NULL);
}

static void mp_setup(void)
{
    mp_threads(ROOSTI_RELEASE, ROOSTI_ACQUIRE, 0);
}

static void mp_fenced_setup(void)
{
    mp_threads(ROOSTI_RELAXED, ROOSTI_RELAXED, 1);
}

static void mp_done(void)
{
    litmus_judge(0xd, 0x2);
}

static void mp_no_release_setup(void)
{
    mp_threads(ROOSTI_RELAXED, ROOSTI_ACQUIRE, 0);
}

static void mp_no_acquire_setup(void)
{
    mp_threads(ROOSTI_SEQ_CST, ROOSTI_RELAXED, 0);
}

static void mp_weak_done(void)
{
    litmus_judge(0xf, 0);
}

/* -- a release sequence: a change in between carries on, a store does not -----------------------
 */

static void sequence_write(void *arg)
{
    (void)arg;
    litmus.plain = 1;
    roosti_atomic_store(&litmus.x, 1, ROOSTI_RELEASE);
}

static void sequence_change(void *arg)
{
    (void)arg;
    roosti_atomic_add(&litmus.x, 2, ROOSTI_RELAXED);
}

static void sequence_read(void *arg)
{
    (void)arg;
    if (roosti_atomic_load(&litmus.x, ROOSTI_ACQUIRE) & 1)
        model_check(litmus.plain == 1);
}

static void sequence_setup(void)
{
    litmus_clear(0, 0, 0);
    model_thread("writes", sequence_write, NULL);
    model_thread("changes", sequence_change, NULL);
    model_thread("reads", sequence_read, NULL);
}

/* -- one word: nobody sees it go back ---------------------------------------------------------- */

static void coherence_write(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.x, 1, ROOSTI_RELAXED);
}

static void coherence_read(void *first)
{
    uint32_t *read = first;
    read[0] = roosti_atomic_load(&litmus.x, litmus.load);
    read[1] = roosti_atomic_load(litmus.fence ? &litmus.y : &litmus.x, litmus.load);
}

static void coherence_setup(void)
{
    litmus_clear(0, ROOSTI_RELAXED, 0);
    model_thread("writes", coherence_write, NULL);
    model_thread("reads", coherence_read, &litmus.read[0]);
    model_thread("too", coherence_read, &litmus.read[2]);
}

static void coherence_done(void)
{
    /* 1 then 0, in the first reader or the second. */
    litmus_judge(1u << 0x0 | 1u << 0xa | 1u << 0x2 | 1u << 0xf,
                 1u << 0x1 | 1u << 0x4 | 1u << 0x5 | 1u << 0x6 | 1u << 0x7 | 1u << 0x9 | 1u << 0xd);
}

/* -- two writers, two readers: they agree who was first, with sequential consistency only --------
 */

static void iriw_write_x(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.x, 1, litmus.store);
}

static void iriw_write_y(void *arg)
{
    (void)arg;
    roosti_atomic_store(&litmus.y, 1, litmus.store);
}

static void iriw_read_xy(void *arg)
{
    (void)arg;
    litmus.read[0] = roosti_atomic_load(&litmus.x, litmus.load);
    litmus.read[1] = roosti_atomic_load(&litmus.y, litmus.load);
}

static void iriw_read_yx(void *arg)
{
    (void)arg;
    litmus.read[2] = roosti_atomic_load(&litmus.y, litmus.load);
    litmus.read[3] = roosti_atomic_load(&litmus.x, litmus.load);
}

static void iriw_threads(int store, int load)
{
    litmus_clear(store, load, 0);
    model_thread("x", iriw_write_x, NULL);
    model_thread("y", iriw_write_y, NULL);
    model_thread("xy", iriw_read_xy, NULL);
    model_thread("yx", iriw_read_yx, NULL);
}

static void iriw_weak_setup(void)
{
    iriw_threads(ROOSTI_RELEASE, ROOSTI_ACQUIRE);
}

static void iriw_weak_done(void)
{
    litmus_judge(0xffff, 0);
}

static void iriw_strong_setup(void)
{
    iriw_threads(ROOSTI_SEQ_CST, ROOSTI_SEQ_CST);
}

static void iriw_strong_done(void)
{
    litmus_judge(0xffff & ~(1u << 0x5), 1u << 0x5);
}

const struct model_case model_cases[] = {
    {"store_buffering_is_seen", sb_weak_setup, litmus_note, sb_weak_done, 0},
    {"store_buffering_seq_cst", sb_strong_setup, litmus_note, sb_strong_done, 0},
    {"store_buffering_fenced", sb_fenced_setup, litmus_note, sb_strong_done, 0},
    {"store_buffering_half_fenced", sb_half_fenced_setup, litmus_note, sb_weak_done, 0},
    {"message_passing", mp_setup, litmus_note, mp_done, 0},
    {"message_passing_fenced", mp_fenced_setup, litmus_note, mp_done, 0},
    {"message_passing_without_release", mp_no_release_setup, litmus_note, mp_weak_done, 0},
    {"message_passing_without_acquire", mp_no_acquire_setup, litmus_note, mp_weak_done, 0},
    {"a_change_carries_a_release_on", sequence_setup, NULL, NULL, 0},
    {"one_word_does_not_go_back", coherence_setup, litmus_note, coherence_done, 0},
    {"two_writers_acquire", iriw_weak_setup, litmus_note, iriw_weak_done, 0},
    {"two_writers_seq_cst", iriw_strong_setup, litmus_note, iriw_strong_done, 0},
    {NULL, NULL, NULL, NULL, 0},
};
