/* tests/model/model.h - models of code that threads share: every interleaving within a bound is
 * tried.
 *
 * A model is a set-up, some threads and a look at what they have left. Its threads are fibers of
 * one real thread; each atomic operation, each wait for a word and each wake of one is a step, and
 * before each step any thread may be the next. See docs/internals/model.md.
 *
 * Sources under test and models are compiled for the thread sanitizer without its library: its
 * calls end in model/hooks.c, so every plain access is known too, and two that are not ordered are
 * reported as a race, whichever came first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MODEL_MODEL_H
#define ROOST_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_case {
    const char *name;
    void (*setup)(void);  /* before each execution; starts the threads; NULL ends the list */
    void (*finish)(void); /* when all of them have ended; may be NULL */
    void (*done)(void);   /* after the last execution; may be NULL */
    int bound;            /* preemptions at the most, unless --bound says so; 0: three */
};

/* Those of the program. */
extern const struct model_case model_cases[];

/* One more thread, which has seen what whoever starts it did. At most four. Gives its number. */
int model_thread(const char *name, void (*body)(void *), void *arg);
/* On another thread: waits until it has ended. */
void model_join(int index);

/* A variable that each thread has for itself, at first NULL. Once, before the first execution. */
void model_local(void **variable);
/* Called by the engine once, to name them; a model without has an empty one. */
void model_locals(void);

/* A stack that threads run on beside their own, and where its flow leaves its stack pointer while
 * another runs on the thread. In a set-up. */
void model_stack(void *low, size_t size);
void model_stack_pointer(void *const *sp);

/* 0 .. count-1: all of them are tried. */
unsigned model_choose(unsigned count, const char *what);

/* Not again before another thread has stored something. */
void model_yield(const char *what);

/* Waits until somebody wakes whoever waits for this word; of a kernel, not of the threads. */
void model_wait(const void *word, size_t size, uint64_t seen, int64_t deadline, const char *what);
void model_wake(const void *word, bool all, const char *what);
int64_t model_now(void);

/* Ends the program with the schedule that led here. */
_Noreturn void model_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define model_check(condition)                                                                     \
    ((void)((condition) ||                                                                         \
            (model_fail("%s:%d: %s does not hold", __FILE__, __LINE__, #condition), 0)))

#endif
