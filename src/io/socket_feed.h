/* io/socket_feed.h - what a socket receives, by one operation that stands.
 *
 * Where the port lends buffers (io_uring's multishot receive), a connection that is silent holds no
 * memory and a read costs no submission. What comes is copied once, into the buffer of the task
 * that reads; when nobody does, it is kept until somebody does, and no more is asked for past a
 * bound.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_SOCKET_FEED_H
#define ROOST_IO_SOCKET_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct roost_task;
struct roosti_feed;
struct roosti_loop;

/* Whether the loop's port makes it worth it. */
bool roosti_feed_pays(const struct roosti_loop *loop, int fd);

/* 0 or ROOST_ENOMEM. */
int roosti_feed_new(struct roosti_loop *loop, int fd, struct roosti_feed **feed);

/* The socket is about to be closed. A task that reads is woken with ROOST_ECLOSED. The feed frees
 * itself when its operation has ended. */
void roosti_feed_close(struct roosti_feed *feed);

/* As a stream's kind reads. Beside the codes of receiving: ROOST_ENOMEM, when bytes came that there
 * was no room for; what follows is lost then. */
int64_t roosti_feed_read(struct roosti_feed *feed, struct roost_task *task, void *buf, size_t len,
                         bool wait);

#endif
