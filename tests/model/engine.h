/* tests/model/engine.h - what the two halves of the checker share: threads and views.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MODEL_ENGINE_H
#define ROOST_MODEL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/fiber.h"

enum {
    MODEL_THREADS = 5, /* the first is the flow of set-up and finish */
    MODEL_PLACES = 64, /* words that are accessed atomically in one execution */
    MODEL_LOCALS = 4
};

/* What somebody knows: of each word how far its stores have been seen, and of each thread how far
 * its plain accesses lie in the past. */
struct model_view {
    uint8_t seen[MODEL_PLACES];
    uint16_t clock[MODEL_THREADS];
};

enum model_state { MODEL_READY, MODEL_YIELDED, MODEL_WAITING, MODEL_ENDED };

struct model_thread {
    struct roosti_fiber fiber;
    const char *name;
    void (*body)(void *arg);
    void *arg;
    enum model_state state;
    const void *word; /* WAITING for it */
    int64_t deadline;
    uint64_t turn;              /* WAITING: its place among those that wait */
    uint64_t yielded;           /* YIELDED: stores there had been */
    uint64_t resumed;           /* stores there had been when it last went on for want of another */
    struct model_view now;      /* what happened before its next step */
    struct model_view acquired; /* what an acquire fence would add */
    struct model_view released; /* what it knew at its last release fence */
    void *locals[MODEL_LOCALS];
};

struct model_engine {
    struct model_thread threads[MODEL_THREADS];
    int thread_count;
    int current;
    bool running; /* threads run, not set-up or finish */
    int budget;   /* preemptions left */
    int64_t clock;
    uint64_t stores; /* of this execution */
    uint64_t turns;
};

extern struct model_engine model_engine;

static inline struct model_thread *model_self(void)
{
    return &model_engine.threads[model_engine.current];
}

static inline uint64_t model_mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 29)) * 0x94d049bb133111ebu;
    return x ^ (x >> 32);
}

/* -- model/engine.c ---------------------------------------------------------------------------- */

/* Before each step: another thread may be next. Does not return when nothing new can follow. */
void model_point(void);

/* Whether this is memory of a stack, whose live part is hashed as such. */
bool model_on_stack(uintptr_t at);
/* Whether it is a variable that each thread has for itself. */
bool model_is_local(uintptr_t at);

/* The step that was just made, for the report. value: what was read or stored; behind: how many
 * newer stores there were. */
void model_step(const char *verb, const char *what, uint64_t value, unsigned behind);

/* -- model/memory.c ---------------------------------------------------------------------------- */

void model_memory_reset(void);
/* A hash of all that memory holds, of who may read what of it, and of what could race with what. */
uint64_t model_memory_hash(void);
void model_view_join(struct model_view *view, const struct model_view *other);
/* The thread sees from here on all that has been stored. */
void model_memory_yielded(struct model_thread *thread);
/* A fence, not a step of its own. */
void model_memory_fence(struct model_thread *thread, int order);
/* What a word holds, read as a relaxed load would, not as a step of its own. */
uint64_t model_memory_read(const void *at, size_t size, unsigned *behind);

/* A plain access; of freed memory it is a failure. */
void model_plain(const void *at, size_t size, bool write);
/* The memory must not be accessed any more. */
void model_freed(const void *at, size_t size);

/* -- model/hooks.c ----------------------------------------------------------------------------- */

/* How much each thread has taken from its region. */
uint64_t model_heap_hash(void);

#endif
