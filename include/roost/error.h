/* roost/error.h - error codes, their names and texts, and the trail an error leaves.
 *
 * A function that can fail returns an int: zero or more is the result, less than zero is a code.
 * A failure of the system is -errno; roost's own codes start at -2000. Codes travel up unchanged,
 * ROOST_TRY adds the place they passed, roost_error_note adds what was being attempted.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ERROR_H
#define ROOST_ERROR_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/time.h>

/* name, value, text: the one table behind the constants, the names and the manual. */
#define ROOST_ERROR_MAP(X)                                                                         \
    X(ECANCELED, -2000, "cancelled")                                                               \
    X(ETIMEDOUT, -2001, "deadline passed")                                                         \
    X(ECLOSED, -2002, "closed on this side")                                                       \
    X(EBROKEN, -2003, "broken by the other side or by an interrupted operation")                   \
    X(ENOCTX, -2004, "not inside a task of a running loop")                                        \
    X(ENESTED, -2005, "a run is already active on this thread")                                    \
    X(EXLOOP, -2006, "the object belongs to another loop or another thread")                       \
    X(EREUSED, -2007, "the object has been entered before and is good for one use")                \
    X(EMISNEST, -2008, "scopes must be left innermost first, by the task that entered them")       \
    X(EFINISHED, -2009, "the group has finished")                                                  \
    X(ENOSTACK, -2010, "no stack is left for another task")                                        \
    X(EDEADLK, -2011, "waits for itself: nothing that could wake it is left")                      \
    X(EFORKED, -2012, "the runtime does not survive fork; this is the child process")              \
    X(ENOTSTARTED, -2013, "the task finished without calling roost_started")                       \
    X(EOWNERDEAD, -2014, "the owner finished without letting go")                                  \
    X(ECRASHED, -2015, "the process that made the call died")                                      \
    X(ELAGGED, -2016, "too slow: values were passed over")                                         \
    X(EEOF, -2017, "the stream ended too early")                                                   \
    X(EFAILED, -2018, "the child process failed")

/* System codes that roost itself returns, under the names its documentation uses. */
#define ROOST_EAGAIN (-EAGAIN)
#define ROOST_EBUSY (-EBUSY)
#define ROOST_EINVAL (-EINVAL)
#define ROOST_ENOMEM (-ENOMEM)
#define ROOST_ENOTSUP (-ENOTSUP)
#define ROOST_EOVERFLOW (-EOVERFLOW)
#define ROOST_EPERM (-EPERM)

#define ROOST_ERROR_CONSTANT_(name, value, text) ROOST_##name = (value),
enum roost_error_code { ROOST_ERROR_MAP(ROOST_ERROR_CONSTANT_) ROOST_ERROR_LAST = -2999 };
#undef ROOST_ERROR_CONSTANT_

/* Most places and notes one error keeps; later ones are counted, not kept. */
#define ROOST_ERROR_STEPS_MAX 8

/* One place an error passed on its way up. */
typedef struct roost_error_step {
    const char *file;     /* source file, static */
    const char *function; /* function, static */
    int line;
    char note[52]; /* what was being attempted, or "" */
} roost_error_step;

/* An error as a group or the run reports it. */
typedef struct roost_error {
    int code;           /* the negative code */
    uint64_t task_id;   /* the task it came out of; 0 for the body of a group */
    char task_name[32]; /* that task's name at the time */
    roost_time at;      /* when it was recorded */
    int step_count;     /* steps it passed; those past ROOST_ERROR_STEPS_MAX were not kept */
    roost_error_step steps[ROOST_ERROR_STEPS_MAX]; /* innermost first */
} roost_error;

ROOST_BEGIN_DECLS

/**
 * roost_error_name - the constant's name of a code, such as "ROOST_ECANCELED" or "ENOENT".
 *
 *   code      a negative code; any other value gives "OK".
 *
 * Lends a static string; an unknown code gives "E?".
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_error_name(int code);

/**
 * roost_error_text - one line in words for a code, such as "deadline passed".
 *
 *   code      a negative code; any other value gives "success".
 *
 * Lends a static string.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_error_text(int code);

/**
 * roost_error_note - say what was being attempted when a call failed, and pass its code on.
 *
 *   code      returned unchanged; nothing is kept when it is zero or more, or ROOST_ECANCELED.
 *   format    printf format of the note; cut to 51 bytes.
 *
 * Use: return roost_error_note(rc, "fetch user %d", id);
 *
 * Suspends  never.
 * Threads   any; outside a task the note is dropped.
 */
ROOST_API int roost_error_note(int code, const char *format, ...) ROOST_PRINTF(2, 3);

/**
 * roost_error_pass - add one place to the trail of an error, and pass its code on (see ROOST_TRY).
 *
 *   code      returned unchanged; nothing is kept when it is zero or more, or ROOST_ECANCELED.
 *   file      static.
 *   line      in file.
 *   function  static.
 *
 * Suspends  never.
 * Threads   any; outside a task nothing is kept.
 */
ROOST_API int roost_error_pass(int code, const char *file, int line, const char *function);

/**
 * roost_error_last - the trail of the error the running task met last.
 *
 *   error     written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EAGAIN  the task has met no error.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_error_last(roost_error *error);

/**
 * roost_error_print - write an error and its trail to a file descriptor, one line per step.
 *
 *   error     borrowed.
 *   fd        open for writing, such as 2.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_error_print(const roost_error *error, int fd);

ROOST_END_DECLS

/* Drops a result on purpose, such as that of a last attempt during clean-up: gcc does not take a
 * cast to void for that. A result that nobody needs is an int or a byte count. */
static inline void roost_ignore(int64_t result)
{
    (void)result;
}

/* ROOST_TRY(call): evaluates call once; a negative result is returned from the enclosing function,
 * with this place added to its trail. The value of the expression is the result otherwise. */
#define ROOST_TRY(call) ROOST_TRY_(ROOST_UNIQUE(roost_try_rc_), call)
#define ROOST_TRY_(rc, call)                                                                       \
    __extension__({                                                                                \
        int rc = (int)(call);                                                                      \
        if (__builtin_expect(rc < 0, 0))                                                           \
            return roost_error_pass(rc, __FILE__, __LINE__, __func__);                             \
        rc;                                                                                        \
    })

#endif
