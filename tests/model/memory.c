/* tests/model/memory.c - the memory of a model: stores, who has seen which of them, and races.
 *
 * Each word that is accessed atomically keeps all its stores in the order in which they were made
 * (its modification order). A thread has a view: the oldest store of each word that it may still
 * read. A load may read any that is not older, each a branch of the enumeration. A store that
 * releases carries the view of its thread, a load that acquires takes it over, with the clocks of
 * the threads, from which races between plain accesses are told (happens before). A change that
 * reads and writes reads the newest, and carries on what it has read (release sequence).
 * Sequentially consistent steps have one order, that of the execution: such an access also sees
 * what such accesses of the word before it wrote or read, and a fence joins everything that a
 * thread has seen with what earlier fences brought (C++20, 31.4; "Repairing sequential consistency
 * in C/C++11", Lahav et al. 2017; views as in "A promising semantics for relaxed-memory
 * concurrency", Kang et al. 2017).
 *
 * Not modelled: a load that reads what is stored later (load buffering), and a store that takes a
 * place before the last one of its word. So of what C allows something is missing, of what the
 * processors do only that on aarch64 and weaker.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "model/atomic.h"
#include "model/engine.h"
#include "model/model.h"

enum { STORES = 64, SHADOWS = 1 << 14 };

struct store {
    uint64_t value;
    struct model_view view;
};

struct place {
    const volatile void *at;
    size_t size;
    unsigned count;
    unsigned floor; /* older stores were overwritten by a plain one */
    bool overwritten;
    bool shared; /* a thread has accessed it, not only the set-up: it is part of the state */
    struct store stores[STORES];
};

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_LOAD, ACCESS_STORE, ACCESSES };

/* Eight bytes of memory: when each thread last accessed each of them, and how. */
struct shadow {
    uintptr_t at;
    uint32_t execution;
    uint8_t threads; /* that have been here, a bit each */
    bool freed;
    bool written;  /* plainly, since it was hashed last */
    uint64_t hash; /* of its content then */
    uint32_t last; /* the last access: bytes, kind and thread; made at last_clock */
    uint16_t last_clock;
    uint8_t place[8]; /* that begins at this byte, plus one */
    uint16_t clock[8][ACCESSES][MODEL_THREADS];
};

static struct place places[MODEL_PLACES];
static unsigned place_count;
static struct model_view order; /* of sequentially consistent steps */
static struct shadow shadows[SHADOWS];
static uint32_t execution;
static struct shadow *written[SHADOWS]; /* to be hashed again */
static size_t written_count;
static uint64_t content_hash; /* of all that was written in this execution, but for the stacks */
static uint64_t access_hash;  /* of all clocks of accesses */

void model_memory_reset(void)
{
    place_count = 0;
    written_count = 0;
    content_hash = access_hash = 0;
    order = (struct model_view){0};
    execution++;
}

void model_view_join(struct model_view *view, const struct model_view *other)
{
    for (unsigned i = 0; i < MODEL_PLACES; i++)
        view->seen[i] = view->seen[i] > other->seen[i] ? view->seen[i] : other->seen[i];
    for (unsigned i = 0; i < MODEL_THREADS; i++)
        view->clock[i] = view->clock[i] > other->clock[i] ? view->clock[i] : other->clock[i];
}

/* -- plain accesses and races ------------------------------------------------------------------ */

/* NULL: nothing is known of these bytes. */
static struct shadow *shadow_find(uintptr_t at, bool make)
{
    uintptr_t granule = at / 8;
    for (size_t i = (size_t)(granule * 0x9e3779b97f4a7c15u >> 40);; i++) {
        struct shadow *shadow = &shadows[i % SHADOWS];
        if (shadow->execution != execution) {
            if (!make)
                return NULL;
            memset(shadow, 0, sizeof *shadow);
            shadow->execution = execution;
            shadow->at = granule;
            return shadow;
        }
        if (shadow->at == granule)
            return shadow;
    }
}

static struct shadow *shadow_of(uintptr_t at)
{
    return shadow_find(at, true);
}

static bool access_conflicts(enum access one, enum access other)
{
    bool writes = one == ACCESS_WRITE || one == ACCESS_STORE || other == ACCESS_WRITE ||
                  other == ACCESS_STORE;
    bool atomics = one >= ACCESS_LOAD && other >= ACCESS_LOAD;
    return writes && !atomics;
}

static void byte_check(const struct shadow *shadow, unsigned byte, enum access access)
{
    static const char *const names[] = {"read", "written", "loaded", "stored to"};
    const struct model_thread *self = model_self();
    for (int thread = 0; thread < MODEL_THREADS; thread++)
        for (enum access other = 0; other < ACCESSES; other++)
            if (thread != model_engine.current && access_conflicts(access, other) &&
                shadow->clock[byte][other][thread] > self->now.clock[thread])
                model_fail("a race: the byte %p is %s by %s, and was %s by %s, in no order",
                           (void *)(shadow->at * 8 + byte), names[access], self->name, names[other],
                           model_engine.threads[thread].name);
}

static void clock_note(struct shadow *shadow, unsigned byte, enum access access, uint16_t now)
{
    uint16_t *clock = &shadow->clock[byte][access][model_engine.current];
    uint64_t who =
        shadow->at * 8 + byte + ((uint64_t)access << 56) + ((uint64_t)model_engine.current << 60);
    if (*clock == now)
        return;
    access_hash += model_mix(who, now) - (*clock ? model_mix(who, *clock) : 0);
    *clock = now;
}

static void memory_access(const volatile void *at, size_t size, enum access access)
{
    uint16_t now = model_self()->now.clock[model_engine.current];
    uintptr_t address = (uintptr_t)at;
    if (!model_engine.running)
        return;
    uint8_t self = (uint8_t)(1u << model_engine.current);
    for (uintptr_t end = address + size; address < end;) {
        struct shadow *shadow = shadow_of(address);
        bool others = shadow->threads & ~self;
        unsigned first = address % 8,
                 past = end - address < 8 - first ? first + (unsigned)(end - address) : 8;
        uint32_t same = first | past << 4 | (uint32_t)access << 8 | (uint32_t)self << 16;
        if (shadow->last == same && shadow->last_clock == now && shadow->threads == self &&
            !shadow->freed && (access != ACCESS_WRITE || shadow->written)) {
            address += past - first; /* again the same, and nobody else yet */
            continue;
        }
        shadow->last = same;
        shadow->last_clock = now;
        shadow->threads |= self;
        if (shadow->freed)
            model_fail("%s uses memory that was freed", model_self()->name);
        do {
            unsigned byte = address % 8;
            if (others)
                byte_check(shadow, byte, access);
            clock_note(shadow, byte, access, now);
            if (access == ACCESS_WRITE && shadow->place[byte])
                places[shadow->place[byte] - 1].overwritten = true;
            address++;
        } while (address < end && address % 8 != 0);
        if (access == ACCESS_WRITE && !shadow->written && !model_on_stack(address - 1)) {
            shadow->written = true;
            written[written_count++] = shadow;
        }
    }
}

/* A set-up races with nobody. Its words may have been atomic before. */
static void setup_write(uintptr_t at, size_t size)
{
    for (uintptr_t end = at + size; at < end; at = (at / 8 + 1) * 8) {
        const struct shadow *shadow = shadow_find(at, false);
        for (unsigned byte = 0; shadow && byte < 8; byte++)
            if (shadow->place[byte])
                places[shadow->place[byte] - 1].overwritten = true;
    }
}

void model_plain(const void *at, size_t size, bool write)
{
    if (!model_engine.running) {
        if (write)
            setup_write((uintptr_t)at, size);
        return;
    }
    if (!model_is_local((uintptr_t)at))
        memory_access(at, size, write ? ACCESS_WRITE : ACCESS_READ);
}

void model_freed(const void *at, size_t size)
{
    memory_access(at, size, ACCESS_WRITE);
    for (uintptr_t address = (uintptr_t)at; address < (uintptr_t)at + size; address += 8)
        shadow_of(address)->freed = true; /* and its content nobody's */
}

/* -- words ------------------------------------------------------------------------------------- */

static uint64_t bits_get(const volatile void *at, size_t size)
{
    uint64_t value = 0;
    memcpy(&value, (const void *)(uintptr_t)at, size);
    return value;
}

static struct store *store_append(struct place *place, uint64_t value)
{
    if (place->count == STORES)
        model_fail("more stores to one word than a model has room for");
    struct store *store = &place->stores[place->count++];
    *store = (struct store){.value = value};
    return store;
}

/* What plain code has written becomes a store that everybody must have seen: it happened before
 * each atomic access of another thread, or there is a race. */
static struct place *place_of(const volatile void *at, size_t size)
{
    struct shadow *shadow = shadow_of((uintptr_t)at);
    uint8_t *index = &shadow->place[(uintptr_t)at % 8];
    if (*index == 0) {
        if (place_count == MODEL_PLACES)
            model_fail("more atomic words than a model has room for");
        struct place *made = &places[place_count++];
        made->at = at;
        made->size = size;
        made->count = made->floor = 0;
        made->overwritten = true;
        made->shared = false;
        *index = (uint8_t)place_count;
    }
    struct place *place = &places[*index - 1];
    place->shared |= model_engine.running;
    if (place->size != size)
        model_fail("a word is accessed in two sizes");
    if (place->overwritten) {
        uint64_t value = bits_get(at, size);
        place->overwritten = false;
        place->floor = place->count;
        (void)store_append(place, value);
    }
    return place;
}

static bool acquires(int memory_order)
{
    return memory_order == __ATOMIC_ACQUIRE || memory_order == __ATOMIC_ACQ_REL ||
           memory_order == __ATOMIC_SEQ_CST;
}

static bool releases(int memory_order)
{
    return memory_order == __ATOMIC_RELEASE || memory_order == __ATOMIC_ACQ_REL ||
           memory_order == __ATOMIC_SEQ_CST;
}

/* The oldest store that the thread may read. */
static unsigned place_floor(const struct place *place, const struct model_thread *self,
                            int memory_order)
{
    size_t index = (size_t)(place - places);
    unsigned floor = self->now.seen[index];
    if (memory_order == __ATOMIC_SEQ_CST && order.seen[index] > floor)
        floor = order.seen[index];
    return floor > place->floor ? floor : place->floor;
}

static void place_seen(struct place *place, unsigned at, struct model_thread *self,
                       int memory_order)
{
    size_t index = (size_t)(place - places);
    const struct store *store = &place->stores[at];
    self->now.seen[index] = (uint8_t)at;
    model_view_join(&self->acquired, &store->view);
    if (acquires(memory_order))
        model_view_join(&self->now, &store->view);
    if (memory_order == __ATOMIC_SEQ_CST && order.seen[index] < at)
        order.seen[index] = (uint8_t)at;
}

/* carried: what the store takes on from the one it read; NULL: it read none. */
static void place_write(struct place *place, uint64_t value, struct model_thread *self,
                        int memory_order, const struct model_view *carried)
{
    size_t index = (size_t)(place - places);
    struct model_view view = carried ? *carried : (struct model_view){0};
    struct store *store = store_append(place, value);
    uint8_t at = (uint8_t)(place->count - 1);
    self->now.seen[index] = at;
    model_view_join(&view, releases(memory_order) ? &self->now : &self->released);
    view.seen[index] = at;
    store->view = view;
    if (memory_order == __ATOMIC_SEQ_CST)
        order.seen[index] = at;
    model_engine.stores++;
    memcpy((void *)(uintptr_t)place->at, &value, place->size);
}

/* What a thread does from here on is not part of what it has released. */
static void tick(struct model_thread *self, int memory_order)
{
    if (releases(memory_order))
        self->now.clock[model_engine.current]++;
}

uint64_t model_load(const volatile void *at, size_t size, int memory_order, const char *what)
{
    model_point();
    struct model_thread *self = model_self();
    struct place *place = place_of(at, size);
    memory_access(at, size, ACCESS_LOAD);
    unsigned newest = place->count - 1;
    unsigned floor = place_floor(place, self, memory_order);
    unsigned behind = newest > floor ? model_choose(newest - floor + 1, NULL) : 0;
    uint64_t value = place->stores[newest - behind].value;
    place_seen(place, newest - behind, self, memory_order);
    model_step("load", what, value, behind);
    return value;
}

uint64_t model_memory_read(const void *at, size_t size, unsigned *behind)
{
    struct model_thread *self = model_self();
    struct place *place = place_of(at, size);
    memory_access(at, size, ACCESS_LOAD);
    unsigned newest = place->count - 1;
    unsigned floor = place_floor(place, self, __ATOMIC_RELAXED);
    *behind = newest > floor ? model_choose(newest - floor + 1, NULL) : 0;
    place_seen(place, newest - *behind, self, __ATOMIC_RELAXED);
    return place->stores[newest - *behind].value;
}

void model_store(volatile void *at, size_t size, uint64_t value, int memory_order, const char *what)
{
    model_point();
    struct model_thread *self = model_self();
    struct place *place = place_of(at, size);
    memory_access(at, size, ACCESS_STORE);
    place_write(place, value, self, memory_order, NULL);
    model_step("store", what, value, 0);
    tick(self, memory_order);
}

static uint64_t changed(uint64_t before, enum model_change change, uint64_t value)
{
    switch (change) {
    case MODEL_ADD:
        return before + value;
    case MODEL_SUB:
        return before - value;
    case MODEL_OR:
        return before | value;
    case MODEL_AND:
        return before & value;
    default:
        return value;
    }
}

static void newest_change(struct place *place, uint64_t value, struct model_thread *self,
                          int memory_order)
{
    unsigned newest = place->count - 1;
    struct model_view carried = place->stores[newest].view;
    place_seen(place, newest, self, memory_order);
    place_write(place, value, self, memory_order, &carried);
}

uint64_t model_change(volatile void *at, size_t size, enum model_change change, uint64_t value,
                      int memory_order, const char *what)
{
    static const char *const verbs[] = {"swap", "add", "sub", "or", "and"};
    model_point();
    struct model_thread *self = model_self();
    struct place *place = place_of(at, size);
    memory_access(at, size, ACCESS_STORE);
    uint64_t before = place->stores[place->count - 1].value;
    uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
    newest_change(place, changed(before, change, value) & mask, self, memory_order);
    model_step(verbs[change], what, before, 0);
    tick(self, memory_order);
    return before;
}

bool model_cas(volatile void *at, size_t size, uint64_t *expected, uint64_t value, int memory_order,
               int failed, const char *what)
{
    model_point();
    struct model_thread *self = model_self();
    struct place *place = place_of(at, size);
    uint64_t mask = size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
    uint64_t wanted = *expected & mask;
    unsigned newest = place->count - 1;
    unsigned options[STORES];
    unsigned count = 0;
    /* It fails only on another value, but that may be an old one. */
    for (unsigned i = newest + 1; i-- > place_floor(place, self, failed);)
        if (i == newest || place->stores[i].value != wanted)
            options[count++] = i;
    unsigned chosen = options[count > 1 ? model_choose(count, NULL) : 0];
    uint64_t before = place->stores[chosen].value;
    bool done = before == wanted;
    memory_access(at, size, done ? ACCESS_STORE : ACCESS_LOAD);
    if (done)
        newest_change(place, value & mask, self, memory_order);
    else
        place_seen(place, chosen, self, failed);
    model_step(done ? "cas" : "cas fails", what, before, newest - chosen);
    if (done)
        tick(self, memory_order);
    *expected = before;
    return done;
}

void model_memory_fence(struct model_thread *thread, int memory_order)
{
    if (acquires(memory_order))
        model_view_join(&thread->now, &thread->acquired);
    if (memory_order == __ATOMIC_SEQ_CST) {
        for (unsigned i = 0; i < place_count; i++) {
            uint8_t *seen = &thread->now.seen[i];
            *seen = order.seen[i] = *seen > order.seen[i] ? *seen : order.seen[i];
        }
    }
    if (releases(memory_order)) {
        thread->released = thread->now;
        tick(thread, memory_order);
    }
}

void model_fence(int memory_order, const char *what)
{
    model_point();
    struct model_thread *self = model_self();
    model_memory_fence(self, memory_order);
    model_step("fence", what, 0, 0);
}

void model_memory_yielded(struct model_thread *thread)
{
    for (unsigned i = 0; i < place_count; i++)
        thread->now.seen[i] = (uint8_t)(places[i].count - 1);
}

/* -- the state --------------------------------------------------------------------------------- */

/* Stores that nobody can read any more do not count, and views count from the newest store. */
static uint64_t view_hash(const struct model_view *view, const uint8_t floors[])
{
    uint64_t hash = 0;
    for (unsigned i = 0; i < place_count; i++) {
        unsigned seen = view->seen[i] > floors[i] ? view->seen[i] : floors[i];
        if (!places[i].shared)
            continue;
        hash += model_mix((uintptr_t)places[i].at, places[i].count - seen);
    }
    for (int i = 0; i < MODEL_THREADS; i++)
        hash = model_mix(hash, view->clock[i]);
    return hash;
}

static uint64_t content_update(void)
{
    while (written_count > 0) {
        struct shadow *shadow = written[--written_count];
        shadow->written = false;
        content_hash -= shadow->hash;
        shadow->hash =
            shadow->freed ? shadow->at : model_mix(shadow->at, *(uint64_t *)(shadow->at * 8));
        content_hash += shadow->hash;
    }
    return content_hash;
}

uint64_t model_memory_hash(void)
{
    uint8_t floors[MODEL_PLACES];
    for (unsigned i = 0; i < place_count; i++) {
        unsigned floor = places[i].count - 1;
        for (int j = 1; j < model_engine.thread_count; j++)
            if (model_engine.threads[j].state != MODEL_ENDED &&
                model_engine.threads[j].now.seen[i] < floor)
                floor = model_engine.threads[j].now.seen[i];
        floors[i] = (uint8_t)(floor > places[i].floor ? floor : places[i].floor);
    }
    uint64_t hash = content_update() + access_hash;
    for (unsigned i = 0; i < place_count; i++) {
        if (!places[i].shared)
            continue;
        uint64_t stores = (uintptr_t)places[i].at + places[i].overwritten;
        for (unsigned j = floors[i]; j < places[i].count; j++)
            stores = model_mix(stores, places[i].stores[j].value +
                                           view_hash(&places[i].stores[j].view, floors));
        hash += stores;
    }
    hash = model_mix(hash, view_hash(&order, floors));
    for (int i = 1; i < model_engine.thread_count; i++) {
        const struct model_thread *thread = &model_engine.threads[i];
        hash = model_mix(hash, view_hash(&thread->now, floors));
        hash = model_mix(hash, view_hash(&thread->acquired, floors));
        hash = model_mix(hash, view_hash(&thread->released, floors));
    }
    return hash;
}
