/* examples/09_guest.c - a run inside somebody else's event loop.
 *
 * The host here is a poll() loop with a pipe of its own, as a toolkit or a game would have one. It
 * polls the guest's descriptor beside its own, until the guest's deadline at the latest.
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <roost.h>
#include <roost/guest.h>

ROOST_ASYNC(knock, int, fd, int, times)
{
    for (int i = 0; i < times; i++) {
        if (write(fd, "k", 1) != 1)
            return -EPIPE;
        ROOST_TRY(roost_sleep(ROOST_MS(5)));
    }
    return times;
}

ROOST_ASYNC(guest_main, int, fd)
{
    return ROOST_WITHIN(ROOST_SEC(5), knock(fd, 3));
}

/* How long poll may wait: until the guest's deadline, rounded up to whole milliseconds. */
static int poll_ms(const roost_guest *guest)
{
    roost_time deadline = roost_guest_deadline(guest);
    if (deadline == ROOST_NEVER)
        return -1;
    roost_dur left = deadline - roost_now();
    return left <= 0 ? 0 : (int)((left + ROOST_MS(1) - 1) / ROOST_MS(1));
}

int main(void)
{
    int pipe_fds[2];
    roost_guest *guest;
    int result = 0;

    if (pipe(pipe_fds) < 0 ||
        roost_guest_start(ROOST_CALL(guest_main, pipe_fds[1]), NULL, &guest) < 0)
        return 1;
    struct pollfd polled[] = {{.fd = pipe_fds[0], .events = POLLIN},
                              {.fd = roost_guest_fd(guest), .events = POLLIN}};
    int more;
    while ((more = roost_guest_turn(guest, &result)) == 1) {
        char byte;
        if (poll(polled, 2, poll_ms(guest)) > 0 && (polled[0].revents & POLLIN) &&
            read(pipe_fds[0], &byte, 1) == 1)
            printf("host: somebody knocks\n");
    }
    roost_guest_free(guest);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    printf("host: the guest has left with %d\n", result);
    return more < 0;
}
