/* io/strings.h - strings that are collected and then handed out sorted, in one block.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_STRINGS_H
#define ROOST_IO_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty. */
struct roosti_strings {
    char *text; /* one after the other, each terminated */
    size_t len;
    size_t size;
    size_t count;
};

/* Adds dir, a slash if it is not empty and does not end with one, and name. 0 or ROOST_ENOMEM. */
int roosti_strings_add(struct roosti_strings *strings, const char *dir, const char *name);
/* The one that begins at *at, and *at moves on; NULL at the end. */
const char *roosti_strings_next(const struct roosti_strings *strings, size_t *at);
/* The last one leaves: its offset in text, valid until the next add. There is one. */
size_t roosti_strings_pop(struct roosti_strings *strings);
/* One block with the pointers and then the strings; sorted, with `once` each only once. 0 or
 * ROOST_ENOMEM. */
int roosti_strings_give(const struct roosti_strings *strings, bool once, char ***list,
                        size_t *count);
void roosti_strings_fini(struct roosti_strings *strings);

#endif
