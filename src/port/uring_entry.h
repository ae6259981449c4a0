/* port/uring_entry.h - an operation as an entry of io_uring's submission queue.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_URING_ENTRY_H
#define ROOST_PORT_URING_ENTRY_H

#include <linux/io_uring.h>
#include <stdint.h>

#include "port/port.h"

/* Fills a cleared entry; its completion carries the operation's address. */
void roosti_uring_entry(struct io_uring_sqe *sqe, const struct roosti_op *op);
/* Waits for readiness alone; events as poll(2) has them. Leaves user_data alone. */
void roosti_uring_entry_poll(struct io_uring_sqe *sqe, int fd, uint32_t events);

#endif
