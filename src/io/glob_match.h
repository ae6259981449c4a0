/* io/glob_match.h - patterns of names.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_GLOB_MATCH_H
#define ROOST_IO_GLOB_MATCH_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name of len bytes is one of the pattern of pattern_len bytes; neither has a slash.
 * ROOST_EINVAL: an open bracket. */
int roosti_glob_name(const char *pattern, size_t pattern_len, const char *name, size_t len);

/* Whether a part of a pattern has anything but plain characters. */
bool roosti_glob_is_wild(const char *pattern, size_t len);

#endif
