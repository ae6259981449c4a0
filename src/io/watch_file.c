/* io/watch_file.c - being told when files change.
 *
 * One inotify descriptor for each watch object, whatever it watches: the kernel's events come in
 * one order, and an overflow is known to whom it concerns. The kernel watches directories one by
 * one, so a recursive watch adds each; between the making of a directory and its watch something
 * may have been put into it, so it is read once and what is there is told as made.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/watch_file.h>

#include <string.h>

#include "base/mem.h"
#include "io/walk.h"
#include "port/file_flags.h"
#include "rt/loop.h"
#include "rt/op.h"

enum {
    EVENTS_MAX = 4096,
    READ_BYTES = 16 * 1024,
    WANTED = ROOSTI_WATCH_MODIFY | ROOSTI_WATCH_ATTRIB | ROOSTI_WATCH_CLOSE_WRITE |
             ROOSTI_WATCH_MOVED_FROM | ROOSTI_WATCH_MOVED_TO | ROOSTI_WATCH_CREATE |
             ROOSTI_WATCH_DELETE | ROOSTI_WATCH_DELETE_SELF | ROOSTI_WATCH_MOVE_SELF
};

/* Something that is watched. The numbers grow, so the array is in their order. */
struct place {
    int number;
    char *path;
};

struct event {
    unsigned what;
    bool dir;
    char *path;
    uint64_t hash;
    roost_time first;
    roost_time last;
};

struct roost_watch_file {
    uint32_t loop;
    int fd;
    bool closed; /* its waiter will free it */
    roost_watch_file_opts opts;
    struct roost_task *waiter;
    struct place *places;
    size_t place_count;
    size_t place_size;
    struct event *events; /* the oldest first */
    size_t event_count;
    size_t event_size;
    char *given; /* the path of the last event */
    _Alignas(8) char buf[READ_BYTES];
};

/* -- places ------------------------------------------------------------------------------------ */

static size_t place_find(const roost_watch_file *watch, int number)
{
    size_t low = 0, high = watch->place_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (watch->places[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool place_is(const roost_watch_file *watch, size_t at, int number)
{
    return at < watch->place_count && watch->places[at].number == number;
}

static void place_remove(roost_watch_file *watch, size_t at)
{
    roosti_free(watch->places[at].path);
    watch->place_count--;
    memmove(&watch->places[at], &watch->places[at + 1],
            (watch->place_count - at) * sizeof *watch->places);
}

static char *text_copy(const char *text, size_t len)
{
    char *copy = roosti_alloc(len + 1, "path of a watch");
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    return copy;
}

static int place_add(roost_watch_file *watch, int number, const char *path)
{
    size_t at = place_find(watch, number);
    char *own = text_copy(path, strlen(path));
    if (!own)
        return ROOST_ENOMEM;
    if (place_is(watch, at, number)) {
        roosti_free(watch->places[at].path);
        watch->places[at].path = own;
        return 0;
    }
    if (watch->place_count == watch->place_size) {
        size_t size = watch->place_size ? watch->place_size * 2 : 16;
        struct place *places =
            roosti_realloc(watch->places, size * sizeof *places, "places of a watch");
        if (!places) {
            roosti_free(own);
            return ROOST_ENOMEM;
        }
        watch->places = places;
        watch->place_size = size;
    }
    memmove(&watch->places[at + 1], &watch->places[at],
            (watch->place_count - at) * sizeof *watch->places);
    watch->places[at] = (struct place){number, own};
    watch->place_count++;
    return 0;
}

/* A directory has another name now: what was below it is watched no more under the old one. */
static void places_drop(roost_watch_file *watch, const char *path)
{
    size_t len = strlen(path);
    for (size_t at = watch->place_count; at-- > 0;) {
        const struct place *place = &watch->places[at];
        if (strncmp(place->path, path, len) != 0 ||
            (place->path[len] != '\0' && place->path[len] != '/'))
            continue;
        struct roosti_file_call drop = {.what = ROOSTI_FILE_WATCH_DROP, .len = place->number};
        (void)roosti_file_call_do(watch->fd, &drop, true);
        place_remove(watch, at);
    }
}

/* -- events ------------------------------------------------------------------------------------ */

static uint64_t text_hash(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return hash;
}

static struct event *event_find(const roost_watch_file *watch, const char *path, uint64_t hash)
{
    for (size_t i = watch->event_count; i-- > 0;) {
        struct event *event = &watch->events[i];
        if (event->hash == hash && strcmp(event->path, path) == 0)
            return event;
    }
    return NULL;
}

static int event_reserve(roost_watch_file *watch)
{
    if (watch->event_count < watch->event_size)
        return 0;
    size_t size = watch->event_size ? watch->event_size * 2 : 64;
    struct event *events =
        roosti_realloc(watch->events, size * sizeof *events, "events of a watch");
    if (!events)
        return ROOST_ENOMEM;
    watch->events = events;
    watch->event_size = size;
    return 0;
}

static int event_add(roost_watch_file *watch, unsigned what, bool dir, const char *path)
{
    uint32_t max = watch->opts.events_max ? watch->opts.events_max : EVENTS_MAX;
    if (watch->event_count >= max && what != ROOST_FILE_LOST &&
        !event_find(watch, path, text_hash(path)))
        return event_add(watch, ROOST_FILE_LOST, false, "");
    uint64_t hash = text_hash(path);
    struct event *event = event_find(watch, path, hash);
    roost_time now = roost_now();
    if (event) {
        event->what |= what;
        event->dir = dir;
        event->last = now;
        return 0;
    }
    int rc = event_reserve(watch);
    char *own = rc == 0 ? text_copy(path, strlen(path)) : NULL;
    if (!own)
        return ROOST_ENOMEM;
    watch->events[watch->event_count++] = (struct event){what, dir, own, hash, now, now};
    return 0;
}

/* When an event is given: its path has been quiet, or the user has waited long enough. */
static roost_time event_due(const roost_watch_file *watch, const struct event *event)
{
    roost_dur settle = watch->opts.settle ? watch->opts.settle : ROOST_MS(50);
    if (settle < 0 || event->what == ROOST_FILE_LOST)
        return event->first;
    roost_time quiet = roost_time_add(event->last, settle);
    roost_time most = roost_time_add(event->first, settle > ROOST_SEC(60) ? settle : 10 * settle);
    return quiet < most ? quiet : most;
}

/* Gives the first that is due: true. Else *next is when one will be. */
static bool event_take(roost_watch_file *watch, roost_file_event *out, roost_time *next)
{
    roost_time now = roost_now();
    *next = ROOST_NEVER;
    for (size_t i = 0; i < watch->event_count; i++) {
        struct event event = watch->events[i];
        roost_time due = event_due(watch, &event);
        if (due > now) {
            *next = due < *next ? due : *next;
            continue;
        }
        watch->event_count--;
        memmove(&watch->events[i], &watch->events[i + 1], (watch->event_count - i) * sizeof event);
        roosti_free(watch->given);
        watch->given = event.path;
        *out = (roost_file_event){event.what, event.dir, event.path};
        return true;
    }
    return false;
}

/* -- watching ---------------------------------------------------------------------------------- */

static int watch_one(roost_watch_file *watch, const char *path)
{
    struct roosti_file_call add = {.what = ROOSTI_FILE_WATCH_ADD, .path = path, .mode = WANTED};
    int64_t number = roosti_file_do(watch->fd, &add);
    return number < 0 ? (int)number : place_add(watch, (int)number, path);
}

/* All directories below. told: what is there is new. */
static int watch_below(roost_watch_file *watch, const char *path, bool told)
{
    int rc;
    ROOST_WALK(path, entry, rc)
    {
        bool dir = entry.kind == ROOST_FILE_DIR;
        int done = 0;
        if (dir && entry.error == 0)
            done = watch_one(watch, entry.path);
        /* It may have gone again. */
        if (done == -ENOENT || done == -ENOTDIR || done == -EACCES)
            done = 0;
        if (done == 0 && told && entry.error == 0)
            done = event_add(watch, ROOST_FILE_MADE, dir, entry.path);
        if (done < 0)
            return done;
    }
    return rc == -ENOENT || rc == -ENOTDIR ? 0 : rc;
}

static int record_path(const struct place *place, const struct roosti_watch_record *record,
                       char path[PATH_MAX])
{
    const char *name = record->name_size > 0 ? record->name : "";
    return roost_path_join(place->path, name, path, PATH_MAX) < 0 ? -ENAMETOOLONG : 0;
}

static unsigned record_what(uint32_t bits)
{
    return (bits & (ROOSTI_WATCH_CREATE | ROOSTI_WATCH_MOVED_TO) ? (unsigned)ROOST_FILE_MADE : 0u) |
           (bits & (ROOSTI_WATCH_MODIFY | ROOSTI_WATCH_CLOSE_WRITE) ? (unsigned)ROOST_FILE_CHANGED
                                                                    : 0u) |
           (bits & (ROOSTI_WATCH_DELETE | ROOSTI_WATCH_MOVED_FROM | ROOSTI_WATCH_DELETE_SELF |
                    ROOSTI_WATCH_MOVE_SELF)
                ? (unsigned)ROOST_FILE_GONE
                : 0u) |
           (bits & ROOSTI_WATCH_ATTRIB ? (unsigned)ROOST_FILE_FACTS : 0u);
}

static int record_take(roost_watch_file *watch, const struct roosti_watch_record *record)
{
    char path[PATH_MAX];
    if (record->what & ROOSTI_WATCH_OVERFLOW)
        return event_add(watch, ROOST_FILE_LOST, false, "");
    size_t at = place_find(watch, record->number);
    if (!place_is(watch, at, record->number))
        return 0;
    if (record->what & ROOSTI_WATCH_IGNORED) {
        place_remove(watch, at);
        return 0;
    }
    bool dir = record->what & ROOSTI_WATCH_IS_DIR;
    unsigned what = record_what(record->what);
    /* That a watched directory itself goes is told by its parent, where that is watched too. */
    if (what == 0 || record_path(&watch->places[at], record, path) < 0)
        return 0;
    int rc = event_add(watch, what, dir, path);
    if (!dir || !watch->opts.recursive || rc < 0)
        return rc;
    if (record->what & ROOSTI_WATCH_MOVED_FROM)
        places_drop(watch, path);
    if (what & ROOST_FILE_MADE) {
        rc = watch_one(watch, path);
        if (rc == 0)
            rc = watch_below(watch, path, true);
        if (rc == -ENOENT || rc == -ENOTDIR || rc == -EACCES)
            rc = 0;
    }
    return rc;
}

/* Waits for records until `until`. 0 also when none came in time. */
static int watch_read(roost_watch_file *watch, roost_time until)
{
    struct roosti_op op = {.kind = ROOSTI_OP_READ,
                           .fd = watch->fd,
                           .buf = watch->buf,
                           .len = READ_BYTES,
                           .offset = -1};
    roost_scope scope;
    roost_dur within = until == ROOST_NEVER ? ROOST_FOREVER : until - roost_now();
    roost_scope *open = roost_scope_begin(&scope, within, ROOST_SCOPE_MOVE_ON, "settle");
    int64_t n = roosti_op_run(&op);
    int rc = roost_scope_end(open, n < 0 ? (int)n : 0);
    if (watch->closed)
        return ROOST_ECLOSED;
    for (int64_t at = 0; rc == 0 && at < n;) {
        const struct roosti_watch_record *record = (const void *)(watch->buf + at);
        at += (int64_t)(sizeof *record + record->name_size);
        rc = record_take(watch, record);
        if (watch->closed)
            return ROOST_ECLOSED;
        if (rc < 0)
            /* What is left of this batch is lost to us. */
            roost_ignore(event_add(watch, ROOST_FILE_LOST, false, ""));
    }
    return rc;
}

/* -- the user's side --------------------------------------------------------------------------- */

static void watch_free(roost_watch_file *watch)
{
    for (size_t i = 0; i < watch->place_count; i++)
        roosti_free(watch->places[i].path);
    for (size_t i = 0; i < watch->event_count; i++)
        roosti_free(watch->events[i].path);
    roosti_free(watch->places);
    roosti_free(watch->events);
    roosti_free(watch->given);
    roosti_free(watch);
}

int roost_watch_file_open(const roost_watch_file_opts *opts, roost_watch_file **watch)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_WATCH};
    if (!roosti_self())
        return roosti_no_task();
    struct roosti_loop *loop = roosti_loop_here;
    if (loop->virtual_time)
        return ROOST_ENOTSUP;
    roost_watch_file *made = roosti_alloc_zero(1, sizeof *made, "a watch of files");
    if (!made)
        return ROOST_ENOMEM;
    int64_t fd = roosti_file_call_do(-1, &call, true);
    if (fd < 0) {
        roosti_free(made);
        return (int)fd;
    }
    loop->port->ops->fd.forget(loop->port, (int)fd);
    made->fd = (int)fd;
    made->loop = loop->id;
    if (opts)
        made->opts = *opts;
    *watch = made;
    return 0;
}

static int watch_owns(roost_watch_file *watch)
{
    struct roosti_loop *loop = roosti_loop_here;
    return loop && loop->current ? roosti_loop_owns(loop, &watch->loop) : roosti_no_task();
}

int roost_watch_file_add(roost_watch_file *watch, const char *path)
{
    int rc = watch_owns(watch);
    if (rc == 0)
        rc = watch_one(watch, path);
    if (rc < 0 || !watch->opts.recursive)
        return rc;
    return watch_below(watch, path, false);
}

int roost_watch_file_next(roost_watch_file *watch, roost_file_event *event)
{
    roost_time next;
    int rc = watch_owns(watch);
    if (rc < 0)
        return rc;
    if (watch->waiter)
        return ROOST_EBUSY;
    watch->waiter = roosti_self();
    rc = roosti_op_begin(watch->waiter->loop, watch->waiter);
    while (rc == 0 && !event_take(watch, event, &next))
        rc = watch_read(watch, next);
    watch->waiter = NULL;
    if (watch->closed) {
        watch_free(watch);
        return ROOST_ECLOSED;
    }
    return rc;
}

void roost_watch_file_close(roost_watch_file *watch)
{
    if (!watch || watch->closed || watch_owns(watch) == ROOST_EXLOOP)
        return;
    (void)roosti_file_shut(watch->fd);
    watch->closed = true;
    if (!watch->waiter)
        watch_free(watch);
}
