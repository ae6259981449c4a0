/* io/strings.c - strings that are collected and then handed out sorted.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/strings.h"

#include <string.h>

#include <roost/error.h>

#include "base/mem.h"

int roosti_strings_add(struct roosti_strings *strings, const char *dir, const char *name)
{
    size_t dir_len = strlen(dir);
    size_t name_len = strlen(name);
    bool slash = dir_len > 0 && dir[dir_len - 1] != '/';
    size_t len = dir_len + slash + name_len + 1;
    if (strings->size - strings->len < len) {
        size_t size = strings->size * 2 > 4096 ? strings->size * 2 : 4096;
        while (size - strings->len < len)
            size *= 2;
        char *text = roosti_realloc(strings->text, size, "names");
        if (!text)
            return ROOST_ENOMEM;
        strings->text = text;
        strings->size = size;
    }
    char *at = strings->text + strings->len;
    memcpy(at, dir, dir_len);
    if (slash)
        at[dir_len] = '/';
    memcpy(at + dir_len + slash, name, name_len + 1);
    strings->len += len;
    strings->count++;
    return 0;
}

const char *roosti_strings_next(const struct roosti_strings *strings, size_t *at)
{
    if (*at >= strings->len)
        return NULL;
    const char *found = strings->text + *at;
    *at += strlen(found) + 1;
    return found;
}

size_t roosti_strings_pop(struct roosti_strings *strings)
{
    size_t at = strings->len - 1;
    while (at > 0 && strings->text[at - 1] != '\0')
        at--;
    strings->len = at;
    strings->count--;
    return at;
}

static void sift(char **list, size_t at, size_t count)
{
    char *moved = list[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && strcmp(list[child], list[child + 1]) < 0)
            child++;
        if (strcmp(moved, list[child]) >= 0)
            break;
        list[at] = list[child];
    }
    list[at] = moved;
}

/* By heap: in place, and never slow. */
static void list_sort(char **list, size_t count)
{
    for (size_t at = count / 2; at-- > 0;)
        sift(list, at, count);
    for (size_t end = count; end-- > 1;) {
        char *largest = list[0];
        list[0] = list[end];
        list[end] = largest;
        sift(list, 0, end);
    }
}

int roosti_strings_give(const struct roosti_strings *strings, bool once, char ***list,
                        size_t *count)
{
    size_t pointers = (strings->count + 1) * sizeof(char *);
    char *block = roosti_alloc(pointers + strings->len, "list of names");
    if (!block)
        return ROOST_ENOMEM;
    char **made = (char **)(void *)block;
    char *text = block + pointers;
    size_t n = 0;
    if (strings->len > 0)
        memcpy(text, strings->text, strings->len);
    for (size_t at = 0; at < strings->len; at += strlen(text + at) + 1)
        made[n++] = text + at;
    list_sort(made, n);
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!once || kept == 0 || strcmp(made[kept - 1], made[i]) != 0)
            made[kept++] = made[i];
    }
    made[kept] = NULL;
    *list = made;
    *count = kept;
    return 0;
}

void roosti_strings_fini(struct roosti_strings *strings)
{
    roosti_free(strings->text);
    *strings = (struct roosti_strings){0};
}
