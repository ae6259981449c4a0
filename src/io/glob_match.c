/* io/glob_match.c - patterns of names.
 *
 * A star remembers where it stood, and the last one alone: what an earlier star could take instead
 * the last one can take too. So no pattern takes longer than its length times the name's.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/glob_match.h"

#include <stdint.h>
#include <string.h>

#include <roost/dir.h>

/* Bytes of the character at `at`; 1 for what is no UTF-8. */
static size_t char_len(const char *at, const char *end)
{
    unsigned char first = (unsigned char)*at;
    size_t len = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (len > (size_t)(end - at))
        return 1;
    for (size_t i = 1; i < len; i++) {
        if (((unsigned char)at[i] & 0xc0) != 0x80)
            return 1;
    }
    return len;
}

static uint32_t char_at(const char *at, size_t len)
{
    static const unsigned char masks[] = {0, 0xff, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)at[0] & masks[len];
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)at[i] & 0x3f);
    return code;
}

/* A character of a bracket, past a backslash; *at moves on. */
static uint32_t bracket_char(const char **at, const char *end)
{
    if (**at == '\\' && *at + 1 < end)
        ++*at;
    size_t len = char_len(*at, end);
    uint32_t code = char_at(*at, len);
    *at += len;
    return code;
}

/* The bracket at `at`: its end, and whether it has the character. NULL: it is open. */
static const char *bracket_match(const char *at, const char *end, uint32_t wanted, bool *has)
{
    bool found = false;
    const char *first = ++at;
    bool not = at < end && (*at == '!' || *at == '^');
    if (not )
        first = ++at;
    while (at < end && (*at != ']' || at == first)) {
        uint32_t low = bracket_char(&at, end);
        uint32_t high = low;
        if (at + 1 < end && *at == '-' && at[1] != ']') {
            at++;
            high = bracket_char(&at, end);
        }
        found |= low <= wanted && wanted <= high;
    }
    if (at >= end)
        return NULL;
    *has = found != not ;
    return at + 1;
}

/* One character of the pattern against one of the name: the pattern behind it, `pattern` itself
 * when they differ, or NULL for an open bracket. */
static const char *step(const char *pattern, const char *end, const char *name, size_t len)
{
    if (*pattern == '?')
        return pattern + 1;
    if (*pattern == '[') {
        bool has;
        const char *next = bracket_match(pattern, end, char_at(name, len), &has);
        return !next || has ? next : pattern;
    }
    const char *plain = *pattern == '\\' && pattern + 1 < end ? pattern + 1 : pattern;
    bool same = (size_t)(end - plain) >= len && memcmp(plain, name, len) == 0;
    return same ? plain + len : pattern;
}

int roosti_glob_name(const char *pattern, size_t pattern_len, const char *name, size_t len)
{
    const char *end = pattern + pattern_len, *name_end = name + len;
    const char *star = NULL, *star_name = NULL;
    while (name < name_end) {
        size_t n = char_len(name, name_end);
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            star_name = name;
            continue;
        }
        const char *next = pattern < end ? step(pattern, end, name, n) : pattern;
        if (!next)
            return ROOST_EINVAL;
        if (next != pattern) {
            pattern = next;
            name += n;
        } else if (star) {
            pattern = star;
            star_name += char_len(star_name, name_end);
            name = star_name;
        } else {
            return 0;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

bool roosti_glob_is_wild(const char *pattern, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr("*?[\\", pattern[i]))
            return true;
    }
    return false;
}

/* Parts from here on; ** stands for any number of them, also none. */
static int parts_match(const char *pattern, const char *path)
{
    const char *star = NULL, *star_path = NULL;
    for (;;) {
        pattern += strspn(pattern, "/");
        path += strspn(path, "/");
        size_t pattern_len = strcspn(pattern, "/");
        size_t len = strcspn(path, "/");
        if (pattern_len == 2 && memcmp(pattern, "**", 2) == 0) {
            star = pattern += 2;
            star_path = path;
            if (*pattern == '\0')
                return 1;
            continue;
        }
        if (len == 0 && pattern_len == 0)
            return 1;
        int rc = len > 0 && pattern_len > 0 ? roosti_glob_name(pattern, pattern_len, path, len) : 0;
        if (rc < 0)
            return rc;
        if (rc == 0 && (!star || star_path[0] == '\0'))
            return 0;
        if (rc > 0) {
            pattern += pattern_len;
            path += len;
        } else {
            star_path += strcspn(star_path, "/");
            star_path += strspn(star_path, "/");
            pattern = star;
            path = star_path;
        }
    }
}

int roost_glob_match(const char *pattern, const char *path)
{
    if ((pattern[0] == '/') != (path[0] == '/'))
        return 0;
    return parts_match(pattern, path);
}
