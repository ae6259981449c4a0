/* io/file_lock.c - locks on files.
 *
 * The kernel can make a thread wait for such a lock, not a task: a pool full of waiting threads
 * would stand in everybody's way and could not be cancelled. So who waits asks again, at growing
 * distances.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/file_lock.h>

#include <roost/task.h>

#include "io/file.h"

#define PAUSE_MAX ROOST_MS(50)

/* It never blocks, so it need not go through the port. */
static int lock_set(const roost_file *file, uint32_t mode)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_LOCK, .mode = mode};
    if (roosti_loop_here->virtual_time)
        return ROOST_ENOTSUP;
    int rc = (int)roosti_file_call_do(file->fd, &call, true);
    return rc == -EBUSY ? ROOST_EAGAIN : rc;
}

int roost_file_try_lock(roost_file *file, enum roost_lock_kind kind)
{
    int rc = roosti_file_owns(file);
    if (rc < 0)
        return rc;
    if (kind != ROOST_LOCK_SHARED && kind != ROOST_LOCK_EXCLUSIVE)
        return ROOST_EINVAL;
    return lock_set(file, kind == ROOST_LOCK_SHARED ? ROOSTI_FILE_LOCK_SHARED
                                                    : ROOSTI_FILE_LOCK_EXCLUSIVE);
}

int roost_file_lock(roost_file *file, enum roost_lock_kind kind)
{
    roost_dur pause = ROOST_MS(1);
    int rc = roosti_file_owns(file);
    if (rc == 0)
        rc = roost_checkpoint();
    while (rc == 0 && (rc = roost_file_try_lock(file, kind)) == ROOST_EAGAIN) {
        rc = roost_sleep(pause);
        pause = pause * 2 > PAUSE_MAX ? PAUSE_MAX : pause * 2;
        if (rc < 0)
            return rc;
    }
    return rc;
}

int roost_file_unlock(roost_file *file)
{
    int rc = roosti_file_owns(file);
    return rc < 0 ? rc : lock_set(file, ROOSTI_FILE_LOCK_NONE);
}
