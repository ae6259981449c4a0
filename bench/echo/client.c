/* bench/echo/client.c - the load of the suite `echo`, and who reads the server's meters.
 *
 *     client CASE SERVER_PID PORT [MS]
 *
 * Every connection has one message of 64 bytes under way: sent, awaited whole, compared, sent anew.
 * What the server used in the meantime is asked of the kernel and not of the server, so that all
 * servers are measured alike: its processor time to the nanosecond (the clock of its process, every
 * thread counts), and how much of that was its own code from its counters of user and system time.
 *
 * Connections end by a reset, lest ten thousand of them linger until the next sample.
 *
 * SPDX-License-Identifier: MIT
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "meter.h"

enum { MESSAGE = 64, EVENTS = 512, BATCH = 64, PATIENCE_MS = 10000, LATENCY_US_MAX = 1000000 };

struct conn {
    int fd;
    unsigned got;    /* bytes of the answer that have come */
    uint64_t seq;    /* of the message under way; every word of it */
    int64_t sent_at; /* ns */
};

struct usage {
    int64_t wall_ns;
    int64_t cpu_ns;     /* of the server */
    int64_t user_ticks; /* of the server */
    int64_t all_ticks;  /* of the server, user and system */
    int64_t waited_ns;  /* the server's threads could have run and did not */
    int64_t client_ns;
};

static pid_t server;
static uint16_t port;
static long count;
static struct conn *conns;
static uint32_t *latency; /* how many answers took so many microseconds */

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "client: error: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* -- what the server uses --------------------------------------------------------------------- */

/* Nanoseconds a thread has waited for a processor; 0 where the kernel does not count them. */
static int64_t waited_of(const char *thread)
{
    char path[128];
    unsigned long long ran = 0, waited = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%.20s/schedstat", (int)server, thread);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited) != 2)
        waited = 0;
    fclose(file);
    return (int64_t)waited;
}

static int64_t waited_all(void)
{
    char path[64];
    int64_t sum = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)server);
    DIR *threads = opendir(path);
    if (!threads)
        fail(path);
    for (struct dirent *entry; (entry = readdir(threads)) != NULL;)
        if (entry->d_name[0] != '.')
            sum += waited_of(entry->d_name);
    closedir(threads);
    return sum;
}

static struct usage use(void)
{
    struct usage now = {0};
    clockid_t clock;
    char path[64], line[1024];
    unsigned long long user, system;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)server);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(line, sizeof line, file) || clock_getcpuclockid(server, &clock) != 0)
        fail("the server has ended");
    fclose(file);
    /* The name in parentheses may hold anything; behind it utime is the 12th field. */
    const char *rest = strrchr(line, ')');
    if (!rest || sscanf(rest + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu", &user,
                        &system) != 2)
        fail(path);
    now.user_ticks = (int64_t)user;
    now.all_ticks = (int64_t)(user + system);
    now.waited_ns = waited_all();
    now.client_ns = bench_cpu_ns();
    now.wall_ns = bench_wall_ns();
    now.cpu_ns = bench_clock_ns(clock);
    return now;
}

static int64_t resident_bytes(void)
{
    char path[64], line[256];
    long long kib = -1;
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server);
    FILE *file = fopen(path, "r");
    if (!file)
        fail(path);
    while (kib < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "Rss: %lld", &kib) != 1)
            kib = -1;
    fclose(file);
    return kib * 1024;
}

/* -- connections ------------------------------------------------------------------------------ */

static void send_next(struct conn *conn, int64_t now)
{
    uint64_t words[MESSAGE / 8];
    conn->seq++;
    conn->got = 0;
    conn->sent_at = now;
    for (int i = 0; i < MESSAGE / 8; i++)
        words[i] = conn->seq;
    if (send(conn->fd, words, MESSAGE, MSG_NOSIGNAL) != MESSAGE)
        fail("send");
}

/* Takes what has come. Whether the answer is complete. */
static int take(struct conn *conn, int flags)
{
    char buf[MESSAGE];
    ssize_t n = recv(conn->fd, buf, MESSAGE - conn->got, flags);
    if (n <= 0) {
        errno = n == 0 ? ECONNRESET : errno;
        fail("the server does not answer");
    }
    for (ssize_t i = 0; i < n; i++) {
        if (buf[i] != ((const char *)&conn->seq)[(conn->got + i) % 8]) {
            errno = EBADMSG;
            fail("the answer differs");
        }
    }
    conn->got += (unsigned)n;
    return conn->got == MESSAGE;
}

static void connect_one(struct conn *conn, long id)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};
    struct linger reset = {.l_onoff = 1};
    conn->seq = (uint64_t)id << 32;
    conn->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (conn->fd < 0)
        fail("socket");
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    setsockopt(conn->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(conn->fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        fail("connect");
}

/* Connects and has every connection used once. In batches that the server's backlog can hold. */
static void connect_range(long first, long end)
{
    for (long from = first; from < end; from += BATCH) {
        long to = from + BATCH < end ? from + BATCH : end;
        for (long i = from; i < to; i++) {
            connect_one(&conns[i], i);
            send_next(&conns[i], 0);
        }
        for (long i = from; i < to; i++)
            while (!take(&conns[i], 0))
                continue;
    }
}

static void files_need(const char *name, long wanted)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur >= (rlim_t)wanted)
        return;
    printf("%s missing ulimit -n is below %ld\n", name, wanted);
    exit(0);
}

/* -- cases ------------------------------------------------------------------------------------ */

/* Keeps every connection busy for so long. Returns how many answers came. */
static int64_t drive(int poll, int64_t ns)
{
    static struct epoll_event events[EVENTS];
    int64_t answers = 0, now = bench_wall_ns(), end = now + ns;
    while (now < end) {
        int n = epoll_wait(poll, events, EVENTS, PATIENCE_MS);
        if (n <= 0)
            fail("the server is silent");
        for (int i = 0; i < n; i++) {
            struct conn *conn = events[i].data.ptr;
            if (!take(conn, MSG_DONTWAIT))
                continue;
            now = bench_wall_ns();
            int64_t us = (now - conn->sent_at) / 1000;
            latency[us < LATENCY_US_MAX ? us : LATENCY_US_MAX - 1]++;
            answers++;
            send_next(conn, now);
        }
    }
    return answers;
}

static long percentile_us(double share, int64_t answers)
{
    int64_t seen = 0;
    for (long us = 0; us < LATENCY_US_MAX; us++) {
        seen += latency[us];
        if ((double)seen >= share * (double)answers)
            return us + 1;
    }
    return LATENCY_US_MAX;
}

static int run_echo(const char *name, long ms)
{
    int poll = epoll_create1(0);
    connect_range(0, count);
    for (long i = 0; i < count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &conns[i]};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, conns[i].fd, &event) != 0)
            fail("epoll_ctl");
        send_next(&conns[i], bench_wall_ns());
    }
    (void)drive(poll, (int64_t)ms * 1000000 / 5);
    memset(latency, 0, LATENCY_US_MAX * sizeof *latency);
    struct usage before = use();
    int64_t answers = drive(poll, (int64_t)ms * 1000000);
    struct usage after = use();

    double wall = (double)(after.wall_ns - before.wall_ns);
    double cpu = (double)(after.cpu_ns - before.cpu_ns);
    double ticks = (double)(after.all_ticks - before.all_ticks);
    double user = ticks > 0 ? (double)(after.user_ticks - before.user_ticks) / ticks : 0;
    double n = (double)answers;
    bench_print(name, "cpu_us_per_req", cpu / n / 1e3);
    bench_print(name, "user_us_per_req", cpu * user / n / 1e3);
    bench_print(name, "req_per_s", n * 1e9 / wall);
    bench_print(name, "p99_us", (double)percentile_us(0.99, answers));
    bench_print(name, "server_busy", cpu / wall);
    bench_print(name, "server_waited", (double)(after.waited_ns - before.waited_ns) / wall);
    bench_print(name, "client_busy", (double)(after.client_ns - before.client_ns) / wall);
    return 0;
}

static int run_idle(const char *name, long ms)
{
    /* What the server makes once, for its first connection, is no connection's. */
    connect_range(0, 1);
    int64_t before = resident_bytes();
    connect_range(1, count);
    usleep((useconds_t)ms * 1000 / 5);
    int64_t after = resident_bytes();
    bench_print(name, "bytes_per_conn", (double)(after - before) / (double)(count - 1));
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        long conns;
        int (*run)(const char *name, long ms);
    } cases[] = {{"echo_64", 64, run_echo},
                 {"echo_512", 512, run_echo},
                 {"echo_5000", 5000, run_echo},
                 {"idle_10000", 10000, run_idle}};
    long ms = argc > 4 ? atol(argv[4]) : 1500;
    for (size_t i = 0; argc > 3 && ms > 0 && i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, argv[1]) != 0)
            continue;
        server = (pid_t)atol(argv[2]);
        port = (uint16_t)atol(argv[3]);
        count = cases[i].conns;
        files_need(argv[1], count + 100);
        conns = calloc((size_t)count, sizeof *conns);
        latency = calloc(LATENCY_US_MAX, sizeof *latency);
        return conns && latency ? cases[i].run(argv[1], ms) : 1;
    }
    fprintf(stderr, "client: error: usage: client CASE SERVER_PID PORT [MS]\n");
    return 2;
}
