/* tests/model/engine.c - executes a model again and again until every schedule has been tried.
 *
 * An execution is a sequence of choices: which thread makes the next step, which store a load
 * reads. They are tried depth first: the next execution repeats the choices of the last one but for
 * the last that has an untried alternative. Taking a thread that could go on off the processor is a
 * preemption; schedules with none are tried first, then with one and so on (iterative context
 * bounding: Musuvathi and Qadeer, PLDI 2007), so the first failure is the simplest.
 *
 * A state is all of it: the live part of each stack, what memory holds, the stores that can still
 * be read and by whom. Where one is reached again (by its hash, of 61 bits), with no more
 * preemptions left than the last time, what can follow is known and the execution is given up.
 *
 * SPDX-License-Identifier: MIT
 */
#include "model/engine.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "model/hooks.h"
#include "model/model.h"

enum {
    BOUND = 3,
    CHOICES = 4096,
    STEPS = 4096,
    STACKS = 8,
    STACK_BYTES = 256 * 1024,
    SECONDS_MAX = 100 /* then it hangs between two steps */
};

struct choice {
    uint8_t taken;
    uint8_t count;
};

struct step {
    int thread;
    const char *verb;
    const char *what;
    uint64_t value;
    unsigned behind;
};

struct model_engine model_engine;

static char stacks[MODEL_THREADS][STACK_BYTES] __attribute__((aligned(64)));
static void **locals[MODEL_LOCALS];
static int local_count;

static const struct model_case *model_now_tried;
static struct choice choices[CHOICES];
static size_t choice_count; /* made in this execution */
static size_t choice_known; /* of them, given before it began */
static bool given;          /* by --schedule */
static bool every;          /* also what leads to states that are known: to try the checker */
static int bound;           /* of --bound plus one; 0: not given */
static int bound_now;
static int stepped; /* the thread that made the last step; 0: none */
static uintptr_t stack_lows[STACKS];
static size_t stack_sizes[STACKS];
static void *const *sps[2 * STACKS];
static int stack_count, sp_count;
static struct step steps[STEPS];
static size_t step_count;

static uint64_t *states; /* hash, the lowest bits are the preemptions left plus one; 0: free */
static size_t state_slots, state_count;
static uint64_t executions;

/* -- reports ----------------------------------------------------------------------------------- */

static void report_schedule(void)
{
    printf("  --schedule %s:", model_now_tried->name);
    for (size_t i = 0; i < choice_count; i++)
        printf("%s%u", i ? "." : "", choices[i].taken);
    if (choice_count == 0)
        printf("-");
    printf("\n");
}

static void report_steps(void)
{
    for (size_t i = 0; i < step_count; i++) {
        const struct step *step = &steps[i];
        printf("  %3zu %-10s %-9s %-60s %#llx", i + 1, model_engine.threads[step->thread].name,
               step->verb, step->what, (unsigned long long)step->value);
        if (step->behind > 0)
            printf(", stale by %u", step->behind);
        printf("\n");
    }
}

_Noreturn void model_fail(const char *format, ...)
{
    va_list args;
    printf("%s fails with %d preemptions: ", model_now_tried->name,
           bound_now - model_engine.budget);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\n");
    report_steps();
    report_schedule();
    printf("0 passed, 1 failed, 0 skipped\n");
    fflush(stdout);
    _exit(1);
}

static void on_signal(int signo)
{
    model_fail("%s", signo == SIGALRM ? "it does not come to its next step" : strsignal(signo));
}

void model_step(const char *verb, const char *what, uint64_t value, unsigned behind)
{
    if (step_count == STEPS)
        model_fail("it does not end");
    steps[step_count++] = (struct step){model_engine.current, verb, what, value, behind};
}

/* -- choices ----------------------------------------------------------------------------------- */

static unsigned choose(unsigned count)
{
    if (choice_count == CHOICES)
        model_fail("it does not end");
    if (choice_count >= choice_known)
        choices[choice_count] = (struct choice){0, (uint8_t)count};
    choices[choice_count].count = (uint8_t)count;
    return choices[choice_count++].taken;
}

unsigned model_choose(unsigned count, const char *what)
{
    unsigned chosen = count > 1 ? choose(count) : 0;
    if (chosen >= count)
        model_fail("no such choice in this schedule");
    if (what)
        model_step("choose", what, chosen, 0);
    return chosen;
}

/* True: the next execution is laid out. */
static bool choices_advance(void)
{
    while (choice_count > 0 &&
           choices[choice_count - 1].taken + 1 == choices[choice_count - 1].count)
        choice_count--;
    if (choice_count == 0)
        return false;
    choices[choice_count - 1].taken++;
    choice_known = choice_count;
    return true;
}

/* -- states ------------------------------------------------------------------------------------ */

static uint64_t *state_find(uint64_t hash)
{
    for (size_t i = hash >> 20;; i++) {
        uint64_t *state = &states[i & (state_slots - 1)];
        if (*state == 0 || (*state & ~UINT64_C(7)) == hash)
            return state;
    }
}

static void states_grow(void)
{
    uint64_t *old = states;
    size_t old_slots = state_slots;
    state_slots = old_slots ? old_slots * 2 : 1 << 14;
    states = calloc(state_slots, sizeof *states);
    if (!states)
        model_fail("no memory for the states");
    for (size_t i = 0; i < old_slots; i++)
        if (old[i])
            *state_find(old[i] & ~UINT64_C(7)) = old[i];
    free(old);
}

bool model_is_local(uintptr_t at)
{
    for (int i = 0; i < local_count; i++)
        if (at - (uintptr_t)locals[i] < sizeof *locals[i])
            return true;
    return false;
}

bool model_on_stack(uintptr_t at)
{
    for (int i = 0; i < stack_count; i++)
        if (at - stack_lows[i] < stack_sizes[i])
            return true;
    return false;
}

/* The part of each stack above the lowest place where a flow has left off: return addresses, saved
 * registers and variables are all there is to a flow. */
static uint64_t stacks_hash(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < stack_count; i++) {
        uintptr_t top = stack_lows[i] + stack_sizes[i];
        uintptr_t from = top;
        for (int j = 0; j < sp_count; j++) {
            uintptr_t sp = (uintptr_t)*sps[j];
            if (sp - stack_lows[i] < stack_sizes[i] && sp < from)
                from = sp;
        }
        for (const uint64_t *at = (const uint64_t *)from; at < (const uint64_t *)top; at++)
            hash = (hash ^ *at) * 0x9e3779b97f4a7c15u, hash ^= hash >> 31;
    }
    return hash;
}

static uint64_t state_hash(void)
{
    uint64_t hash = model_mix(model_memory_hash(), (uint64_t)model_engine.clock);
    hash = model_mix(hash + stacks_hash(), model_heap_hash());
    for (int i = 1; i < model_engine.thread_count; i++) {
        const struct model_thread *thread = &model_engine.threads[i];
        uint64_t extra = thread->state;
        if (thread->state == MODEL_YIELDED)
            extra += 8u + (model_engine.stores > thread->yielded);
        if (thread->state == MODEL_WAITING) { /* its place in the queue */
            for (int j = 1; j < model_engine.thread_count; j++)
                extra += 16u * (model_engine.threads[j].state == MODEL_WAITING &&
                                model_engine.threads[j].turn < thread->turn);
            extra += (uintptr_t)thread->word * 256 + (uint64_t)thread->deadline;
        }
        for (int j = 0; j < local_count; j++)
            extra = model_mix(extra, (uintptr_t)thread->locals[j]);
        hash = model_mix(hash, extra);
    }
    return model_mix(hash, (uint64_t)stepped);
}

/* Whether all that can follow here has been tried. */
static bool state_known(void)
{
    if (choice_count < choice_known || given || every)
        return false;
    if (state_count * 2 >= state_slots)
        states_grow();
    uint64_t hash = state_hash() & ~UINT64_C(7);
    if (hash == 0)
        hash = 8;
    uint64_t *state = state_find(hash);
    if (*state && (int)(*state & 7) > model_engine.budget)
        return true;
    state_count += *state == 0;
    *state = hash | (uint64_t)(model_engine.budget + 1);
    return false;
}

/* -- threads ----------------------------------------------------------------------------------- */

void model_local(void **variable)
{
    if (local_count == MODEL_LOCALS)
        model_fail("more variables of threads than a model has room for");
    locals[local_count++] = variable;
}

void model_stack(void *low, size_t size)
{
    stack_lows[stack_count] = (uintptr_t)low;
    stack_sizes[stack_count++] = size;
}

void model_stack_pointer(void *const *sp)
{
    sps[sp_count++] = sp;
}

/* To a thread from the first flow, or back there. */
static void switch_to(int next)
{
    struct model_thread *from = model_self();
    for (int i = 0; i < local_count; i++) {
        from->locals[i] = *locals[i];
        *locals[i] = model_engine.threads[next].locals[i];
    }
    model_engine.current = next;
    roosti_fiber_switch(&from->fiber, &model_engine.threads[next].fiber);
}

static bool can_run(const struct model_thread *thread)
{
    return thread->state == MODEL_READY ||
           (thread->state == MODEL_YIELDED && model_engine.stores > thread->yielded);
}

/* When nobody can run: those that wait for a moment, and those that look again although nothing has
 * been stored, once. */
static bool can_go_on(const struct model_thread *thread)
{
    if (thread->state == MODEL_YIELDED)
        return thread->resumed != model_engine.stores + 1;
    return thread->state == MODEL_WAITING && thread->deadline != INT64_MAX;
}

static void deadlock(void)
{
    bool ended = true;
    for (int i = 1; i < model_engine.thread_count; i++)
        ended &= model_engine.threads[i].state == MODEL_ENDED;
    if (!ended)
        model_fail("every thread that has not ended waits for another");
}

/* Makes a thread ready that was chosen though it was not. */
static void thread_resume(struct model_thread *thread)
{
    if (thread->state == MODEL_WAITING) {
        if (thread->deadline > model_engine.clock)
            model_engine.clock = thread->deadline;
    } else if (thread->state == MODEL_YIELDED) {
        thread->resumed = model_engine.stores + 1;
        model_memory_yielded(thread);
    }
    thread->state = MODEL_READY;
}

/* Whose step is next; 0: nobody's, or nothing new can follow. */
static int thread_next(void)
{
    int options[MODEL_THREADS];
    unsigned count = 0;
    if (state_known())
        return 0;
    bool here = stepped > 0 && model_engine.threads[stepped].state == MODEL_READY;
    if (here)
        options[count++] = stepped;
    for (int i = 1; i < model_engine.thread_count && (!here || model_engine.budget > 0); i++)
        if (!(here && i == stepped) && can_run(&model_engine.threads[i]))
            options[count++] = i;
    unsigned free_count = here ? 1 : count;
    for (int i = 1; i < model_engine.thread_count && (count == 0 || model_engine.budget > 0); i++) {
        const struct model_thread *thread = &model_engine.threads[i];
        if (can_go_on(thread) && !can_run(thread) &&
            (free_count == 0 || thread->state == MODEL_WAITING))
            options[count++] = i;
    }
    if (count == 0) {
        deadlock();
        return 0;
    }
    unsigned which = count > 1 ? choose(count) : 0;
    if (which >= count)
        model_fail("no such choice in this schedule");
    if (free_count > 0 && which >= free_count)
        model_engine.budget--;
    thread_resume(&model_engine.threads[options[which]]);
    return options[which];
}

void model_point(void)
{
    if (model_engine.running)
        switch_to(0);
}

/* On the first flow: one step after the other. */
static void threads_run(void)
{
    int next;
    stepped = 0;
    model_engine.running = true;
    while ((next = thread_next()) != 0) {
        stepped = next;
        switch_to(next);
    }
    model_engine.running = false;
}

static void thread_main(void *arg)
{
    struct model_thread *self = arg;
    roosti_fiber_entered(&self->fiber);
    self->body(self->arg);
    self->state = MODEL_ENDED;
    for (int i = 1; i < model_engine.thread_count; i++) /* who joins it */
        if (model_engine.threads[i].state == MODEL_WAITING && model_engine.threads[i].word == self)
            model_engine.threads[i].state = MODEL_READY;
    switch_to(0);
}

int model_thread(const char *name, void (*body)(void *), void *arg)
{
    if (model_engine.thread_count == MODEL_THREADS)
        model_fail("a thread too many");
    struct model_thread *self = model_self();
    int index = model_engine.thread_count++;
    struct model_thread *thread = &model_engine.threads[index];
    *thread = (struct model_thread){.name = name, .body = body, .arg = arg};
    char *stack = stacks[index];
    roosti_fiber_make(&thread->fiber, stack, stack + STACK_BYTES, stack + STACK_BYTES, thread_main,
                      thread);
    model_stack(stack, STACK_BYTES);
    model_stack_pointer(&thread->fiber.sp);
    if (model_engine.running) {
        thread->now = self->now;
        thread->now.clock[index] = 1;
        self->now.clock[model_engine.current]++;
        model_step("start", name, (uint64_t)index, 0);
    }
    return index;
}

void model_join(int index)
{
    struct model_thread *self = model_self();
    struct model_thread *thread = &model_engine.threads[index];
    model_point();
    while (thread->state != MODEL_ENDED) {
        self->state = MODEL_WAITING;
        self->word = thread;
        self->deadline = INT64_MAX;
        self->turn = model_engine.turns++;
        model_point();
    }
    model_view_join(&self->now, &thread->now);
    model_step("join", thread->name, (uint64_t)index, 0);
}

void model_yield(const char *what)
{
    struct model_thread *self = model_self();
    model_step("yield", what, 0, 0);
    self->yielded = model_engine.stores;
    self->state = MODEL_YIELDED;
    model_point();
}

/* -- the kernel's part ------------------------------------------------------------------------- */

int64_t model_now(void)
{
    return model_engine.clock;
}

void model_wait(const void *word, size_t size, uint64_t seen, int64_t deadline, const char *what)
{
    struct model_thread *self = model_self();
    unsigned behind;
    model_point();
    /* The kernel looks at the word after a barrier, with the thread in the queue already. */
    model_memory_fence(self, __ATOMIC_SEQ_CST);
    uint64_t value = model_memory_read(word, size, &behind);
    model_step("wait", what, value, behind);
    if (value != seen || deadline <= model_engine.clock)
        return;
    self->state = MODEL_WAITING;
    self->word = word;
    self->deadline = deadline;
    self->turn = model_engine.turns++;
    model_point();
}

void model_wake(const void *word, bool all, const char *what)
{
    struct model_thread *self = model_self();
    model_point();
    model_memory_fence(self, __ATOMIC_SEQ_CST);
    unsigned woken = 0;
    do {
        struct model_thread *first = NULL;
        for (int i = 1; i < model_engine.thread_count; i++) {
            struct model_thread *thread = &model_engine.threads[i];
            if (thread->state == MODEL_WAITING && thread->word == word &&
                (!first || thread->turn < first->turn))
                first = thread;
        }
        if (!first)
            break;
        first->state = MODEL_READY;
        woken++;
    } while (all);
    model_step("wake", what, woken, 0);
}

/* -- executions -------------------------------------------------------------------------------- */

static void execute(const struct model_case *model)
{
    executions++;
    alarm(SECONDS_MAX);
    choice_count = step_count = 0;
    stack_count = sp_count = 0;
    model_memory_reset();
    model_heap_reset();
    model_engine = (struct model_engine){.budget = bound_now, .thread_count = 1};
    model_engine.threads[0].name = "set-up";
    for (int i = 0; i < local_count; i++)
        *locals[i] = NULL;
    model_self()->now.clock[0] = 1;
    model->setup();
    for (int i = 0; i < local_count; i++)
        *locals[i] = NULL;
    /* Each thread has seen what was done before it; what it does itself is later. */
    for (int i = 1; i < model_engine.thread_count; i++) {
        model_engine.threads[i].now = model_engine.threads[0].now;
        model_engine.threads[i].now.clock[i] = 1;
    }
    model_engine.threads[0].now.clock[0]++;
    threads_run();
    for (int i = 1; i < model_engine.thread_count; i++) {
        if (model_engine.threads[i].state != MODEL_ENDED)
            return;
        model_view_join(&model_engine.threads[0].now, &model_engine.threads[i].now);
    }
    if (model->finish)
        model->finish();
}

static void explore(const struct model_case *model)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    model_now_tried = model;
    executions = state_count = 0;
    int most = model->bound ? model->bound : BOUND;
    if (bound > 0)
        most = bound - 1;
    for (bound_now = 0; bound_now <= most; bound_now++) {
        memset(states, 0, state_slots * sizeof *states);
        state_count = 0;
        choice_known = 0;
        do
            execute(model);
        while (choices_advance());
    }
    if (model->done)
        model->done();
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%-40s <= %d preemptions %8zu states %8llu executions %7.2f s\n", model->name, most,
           state_count, (unsigned long long)executions,
           (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

/* text: name:choice.choice... */
static void repeat(const struct model_case *model, const char *text)
{
    given = true;
    bound_now = 7; /* a schedule may have as many as it likes */
    model_now_tried = model;
    for (char *end; *text && *text != '-' && choice_known < CHOICES; text = *end ? end + 1 : end)
        choices[choice_known++].taken = (uint8_t)strtoul(text, &end, 10);
    execute(model);
    report_steps();
}

static const char *case_argument(const struct model_case *model, const char *text)
{
    size_t len = strlen(model->name);
    return strncmp(text, model->name, len) == 0 && text[len] == ':' ? text + len + 1 : NULL;
}

/* Arguments: [--bound N] [--every] [--schedule NAME:CHOICES] [NAME] */
int main(int argc, char **argv)
{
    const char *schedule = NULL;
    const char *only = NULL;
    int passed = 0;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--bound") == 0 && i + 1 < argc)
            bound = atoi(argv[++i]) + 1;
        else if (strcmp(argv[i], "--schedule") == 0 && i + 1 < argc)
            schedule = argv[++i];
        else if (strcmp(argv[i], "--every") == 0)
            every = true;
        else
            only = argv[i];
    }
    signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
    signal(SIGALRM, on_signal);
    setvbuf(stdout, NULL, _IOLBF, 0);
    states_grow();
    model_locals();
    for (const struct model_case *model = model_cases; model->setup; model++) {
        const char *text = schedule ? case_argument(model, schedule) : NULL;
        if (text)
            repeat(model, text);
        else if (!schedule && (!only || strcmp(only, model->name) == 0))
            explore(model);
        else
            continue;
        passed++;
    }
    printf("%d passed, 0 failed, 0 skipped\n", passed);
    return passed > 0 ? 0 : 1;
}
