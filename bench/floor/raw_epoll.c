/* bench/floor/raw_epoll.c - the echo server as small as epoll allows: one thread, level-triggered,
 * a receive and a send for each event. No errors but the end of a connection are handled, nothing
 * can be cancelled, nobody waits for anything. What any design over epoll can reach.
 *
 * SPDX-License-Identifier: MIT
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve.h"

enum { EVENTS = 512 };

static void watch(int poll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0)
        abort();
}

static void accept_one(int poll, int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    watch(poll, fd);
}

static void echo(int fd)
{
    char buf[1024];
    ssize_t n = recv(fd, buf, sizeof buf, 0);
    if (n <= 0 || send(fd, buf, (size_t)n, MSG_NOSIGNAL) != n)
        close(fd);
}

int main(void)
{
    static struct epoll_event events[EVENTS];
    int listener = floor_listen();
    int poll = epoll_create1(0);
    watch(poll, listener);
    for (;;) {
        int count = epoll_wait(poll, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_one(poll, listener);
            else
                echo(events[i].data.fd);
        }
    }
}
