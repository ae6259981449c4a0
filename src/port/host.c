/* port/host.c - what the process knows about itself and its machine.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/host.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/atomic.h"
#include "port/clock.h"

/* -- set-up ----------------------------------------------------------------------------------- */

static pthread_once_t init_once = PTHREAD_ONCE_INIT;
static int init_rc;
static bool forked;
static void (*child_hook)(void);

static void child_mark(void)
{
    forked = true;
    void (*hook)(void) = roosti_atomic_load(&child_hook, ROOSTI_RELAXED);
    if (hook)
        hook();
}

static void init_run(void)
{
    roosti_clock_init();
    init_rc = -pthread_atfork(NULL, NULL, child_mark);
}

int roosti_host_init(void (*in_child)(void))
{
    pthread_once(&init_once, init_run);
    roosti_atomic_store(&child_hook, in_child, ROOSTI_RELAXED); /* the same one from every thread */
    return init_rc;
}

bool roosti_host_forked(void)
{
    return forked;
}

/* -- plain questions -------------------------------------------------------------------------- */

void roosti_host_entropy(void *buf, size_t len)
{
    char *at = buf;
    while (len > 0) {
        ssize_t n = getrandom(at, len < 256 ? len : 256, 0);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            /* Only a kernel without the call gets here, and nothing secret may rest on less. */
            static const char text[] = "roost: the kernel gives no random bytes\n";
            roosti_host_write(2, text, sizeof text - 1);
            abort();
        }
        at += n;
        len -= (size_t)n;
    }
}

const char *roosti_host_env(const char *name)
{
    return getenv(name);
}

void roosti_host_write(int fd, const char *text, size_t len)
{
    int kept = errno;
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        text += n;
        len -= (size_t)n;
    }
    errno = kept;
}

int roosti_host_errno(void)
{
    return errno;
}

int *roosti_host_errno_place(void)
{
    return &errno;
}

bool roosti_host_is_tty(int fd)
{
    return isatty(fd) == 1;
}

int64_t roosti_host_fd_read(int fd, void *buf, size_t len)
{
    ssize_t n;
    do
        n = read(fd, buf, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

int64_t roosti_host_fd_write(int fd, const void *data, size_t len)
{
    ssize_t n;
    do
        n = write(fd, data, len);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

bool roosti_host_fd_readable(int fd)
{
    struct pollfd ask = {.fd = fd, .events = POLLIN};
    return poll(&ask, 1, 0) != 0; /* a failure is for the read to tell */
}

int roosti_host_fd_count(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return -errno;
    int count = 0;
    for (const struct dirent *entry; (entry = readdir(dir));)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count - 1; /* the directory itself was open */
}

int64_t roosti_host_resident(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return -errno;
    long long total = 0;
    long long resident = 0;
    int fields = fscanf(file, "%lld %lld", &total, &resident);
    fclose(file);
    return fields == 2 ? resident * sysconf(_SC_PAGESIZE) : -EIO;
}

/* -- processors ------------------------------------------------------------------------------- */

static int affinity_count(void)
{
    cpu_set_t sets[8]; /* 8,192 processors */
    memset(sets, 0, sizeof sets);
    if (sched_getaffinity(0, sizeof sets, sets) != 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online > 0 ? (int)online : 1;
    }
    return CPU_COUNT_S(sizeof sets, sets);
}

/* Processors that the quota in one cpu.max allows, rounded up; INT32_MAX when it sets none. */
static int quota_read(const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return INT32_MAX;
    long long quota = 0;
    long long period = 0;
    int fields = fscanf(file, "%lld %lld", &quota, &period); /* "max 100000": no field */
    fclose(file);
    if (fields != 2 || quota <= 0 || period <= 0)
        return INT32_MAX;
    long long cpus = (quota + period - 1) / period;
    return cpus < INT32_MAX ? (int)cpus : INT32_MAX;
}

/* The smallest quota on the way from this process's cgroup to the root of the hierarchy. */
static int quota_count(void)
{
    char line[512] = "";
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (!file)
        return INT32_MAX;
    while (fgets(line, sizeof line, file) && strncmp(line, "0::", 3) != 0)
        line[0] = 0;
    fclose(file);
    if (line[0] == 0)
        return INT32_MAX;
    char *group = line + 3;
    group[strcspn(group, "\n")] = 0;

    int least = INT32_MAX;
    for (;;) {
        char path[600];
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        int count = quota_read(path);
        least = count < least ? count : least;
        char *slash = strrchr(group, '/');
        if (!slash)
            return least;
        *slash = 0;
    }
}

int roosti_host_cpu_count(void)
{
    int affinity = affinity_count();
    int quota = quota_count();
    int count = quota < affinity ? quota : affinity;
    return count > 0 ? count : 1;
}
