/* bench/floor/serve.h - how the floors among the servers begin to listen.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BENCH_SERVE_H
#define ROOST_BENCH_SERVE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Listens at a free port of the loopback and says so in the line that every server prints. Ends the
 * program when that fails. */
static int floor_listen(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        perror("listen");
        exit(1);
    }
    printf("listening %d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

#endif
