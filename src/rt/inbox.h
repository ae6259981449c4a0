/* rt/inbox.h - what other threads, signal handlers and other loops post to a loop.
 *
 * A stack of slots pushed by compare-and-swap and taken whole by the loop, which turns it round, so
 * each sender's posts run in its order. Senders wake the loop only when it sleeps: the loop says so
 * before it looks at the stack for the last time, a sender pushes before it looks at that word.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_INBOX_H
#define ROOST_RT_INBOX_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/post.h>

struct roosti_port;
struct roosti_inbox;

/* 0 or ROOST_ENOMEM. The port is borrowed until roosti_inbox_close. */
int roosti_inbox_new(struct roosti_port *port, struct roosti_inbox **inbox);
void roosti_inbox_ref(struct roosti_inbox *inbox);
void roosti_inbox_unref(struct roosti_inbox *inbox);

/* Any thread, and signal handlers. 0, ROOST_ECLOSED, or ROOST_EFORKED in a child made by fork. */
int roosti_inbox_send(struct roosti_inbox *inbox, roost_post_slot *slot);

/* The loop's thread: no send succeeds afterwards, and the port is not touched any more. */
void roosti_inbox_close(struct roosti_inbox *inbox);

/* Runs at most `most` posts; what is left stays pending. Returns how many ran. */
size_t roosti_inbox_drain(struct roosti_inbox *inbox, size_t most);
bool roosti_inbox_pending(const struct roosti_inbox *inbox);

/* Whether senders must wake the loop. */
void roosti_inbox_sleep(struct roosti_inbox *inbox, bool asleep);

/* A block that holds a reference, and the inbox with it, may rightly outlive the run: one more, or
 * one less. Any thread. */
void roosti_inbox_outlive(struct roosti_inbox *inbox, int by);
/* Blocks that would be left if the run ended now, for the leak audit. */
int64_t roosti_inbox_outliving(const struct roosti_inbox *inbox);

/* Posters open now: an idle loop that has any is not deadlocked. */
size_t roosti_inbox_posters(const struct roosti_inbox *inbox);

#endif
