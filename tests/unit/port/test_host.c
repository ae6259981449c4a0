/* tests/unit/port/test_host.c - what the process knows about itself and its machine.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/host.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

#include "unit/port/cases.h"

static bool hook_ran;

static void hook(void)
{
    hook_ran = true;
}

TEST(init_may_be_called_again)
{
    CHECK_EQ(0, roosti_host_init(hook));
    CHECK_EQ(0, roosti_host_init(hook));
    CHECK(!roosti_host_forked());
}

static void forked_child(void *arg)
{
    (void)arg;
    _exit(roosti_host_forked() && hook_ran ? 0 : 1);
}

TEST(a_child_of_fork_knows_that_it_is_one)
{
    CHECK_EQ(0, roosti_host_init(hook));
    CHECK_EQ(0, child_run(forked_child, NULL).code);
    CHECK(!roosti_host_forked());
    CHECK(!hook_ran);
}

TEST(entropy_fills_the_whole_buffer_and_differs)
{
    static unsigned char a[1000];
    static unsigned char b[1000];
    roosti_host_entropy(a, sizeof a);
    roosti_host_entropy(b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    /* A part left out would be 100 zero bytes in a row. */
    for (size_t at = 0; at < sizeof a; at += 100) {
        int sum = 0;
        for (size_t i = at; i < at + 100; i++)
            sum += a[i];
        CHECK(sum > 0);
    }
    unsigned char none = 77;
    roosti_host_entropy(&none, 0);
    CHECK_EQ(77, none);
}

TEST(the_processor_count_obeys_the_affinity)
{
    cpu_set_t before;
    CHECK_EQ(0, sched_getaffinity(0, sizeof before, &before));
    int count = roosti_host_cpu_count();
    CHECK(count >= 1 && count <= CPU_COUNT(&before));
    cpu_set_t one;
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &before))
            CPU_SET(cpu, &one);
    CHECK_EQ(0, sched_setaffinity(0, sizeof one, &one));
    int count_of_one = roosti_host_cpu_count();
    CHECK_EQ(0, sched_setaffinity(0, sizeof before, &before));
    CHECK_EQ(1, count_of_one);
}

TEST(the_environment_is_read)
{
    setenv("ROOST_TEST_HOST", "here", 1);
    CHECK_EQ(0, strcmp("here", roosti_host_env("ROOST_TEST_HOST")));
    unsetenv("ROOST_TEST_HOST");
    CHECK(roosti_host_env("ROOST_TEST_HOST") == NULL);
}

static void *read_slowly(void *arg)
{
    int fd = *(int *)arg;
    static char buf[4096];
    size_t total = 0;
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
        total += (size_t)n;
    return (void *)(uintptr_t)total;
}

TEST(write_writes_all_of_it_and_keeps_errno)
{
    int fds[2];
    CHECK_EQ(0, pipe(fds));
    pthread_t reader;
    CHECK_EQ(0, pthread_create(&reader, NULL, read_slowly, &fds[0]));
    static char text[300000];
    errno = 77;
    roosti_host_write(fds[1], text, sizeof text); /* more than a pipe holds */
    CHECK_EQ(77, errno);
    close(fds[1]);
    void *total;
    pthread_join(reader, &total);
    CHECK_EQ(sizeof text, (uintptr_t)total);
    close(fds[0]);
    roosti_host_write(-1, text, 10); /* a closed descriptor is no reason to hang */
    CHECK_EQ(77, errno);
}

static void *errno_place(void *arg)
{
    (void)arg;
    return roosti_host_errno_place();
}

TEST(errno_has_a_place_per_thread)
{
    errno = 41;
    CHECK_EQ(41, roosti_host_errno());
    CHECK(roosti_host_errno_place() == &errno);
    pthread_t thread;
    void *other;
    CHECK_EQ(0, pthread_create(&thread, NULL, errno_place, NULL));
    pthread_join(thread, &other);
    CHECK(other != roosti_host_errno_place());
}

TEST(a_pipe_is_no_terminal)
{
    int fds[2];
    CHECK_EQ(0, pipe(fds));
    CHECK(!roosti_host_is_tty(fds[0]));
    close(fds[0]);
    close(fds[1]);
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0)
        return; /* a machine without pseudo-terminals */
    CHECK(roosti_host_is_tty(terminal));
    close(terminal);
}

TEST(the_descriptor_count_follows_open_and_close)
{
    int before = roosti_host_fd_count();
    CHECK(before >= 1);
    int fds[2];
    CHECK_EQ(0, pipe(fds));
    CHECK_EQ(before + 2, roosti_host_fd_count());
    close(fds[0]);
    close(fds[1]);
    CHECK_EQ(before, roosti_host_fd_count());
}

TEST(resident_memory_follows_what_is_touched)
{
    enum { BYTES = 32 << 20 };
    int64_t before = roosti_host_resident();
    CHECK(before > 0);
    char *map = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(map != MAP_FAILED);
    memset(map, 1, BYTES);
    int64_t grown = roosti_host_resident() - before;
    munmap(map, BYTES);
    CHECK(grown >= BYTES - (1 << 20));
}
