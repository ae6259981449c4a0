/* tests/kit/registry.c - the cases of the program, in the order of their files and lines.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static roost_test_case *first;
static roost_test_case **last = &first;

void roost_test_register(roost_test_case *test)
{
    *last = test;
    last = &test->next;
}

/* Whether text is a number of a behaviour, such as "B07" or the beginning of "B07_name". */
static bool behaviour_number(const char *text, long *number, const char **end)
{
    if (text[0] != 'B' || text[1] < '0' || text[1] > '9')
        return false;
    char *after;
    *number = strtol(text + 1, &after, 10);
    *end = after;
    return true;
}

/* "B07" wants B07_anything and nothing else; every other text may stand anywhere in the name. */
static bool filter_wants(const char *filter, const char *name)
{
    long wanted;
    long found;
    const char *end;
    if (!behaviour_number(filter, &wanted, &end) || *end != '\0')
        return strstr(name, filter) != NULL;
    return behaviour_number(name, &found, &end) && *end == '_' && found == wanted;
}

/* A whole name wants that case alone, though others may have it in theirs. */
static const roost_test_case *filter_exact(const char *filter)
{
    for (const roost_test_case *test = first; test; test = test->next)
        if (strcmp(test->name, filter) == 0)
            return test;
    return NULL;
}

roost_test_case *kit_next(const struct kit_options *options, const roost_test_case *after)
{
    roost_test_case *test = after ? after->next : first;
    if (!options->filter)
        return test;
    const roost_test_case *exact = filter_exact(options->filter);
    while (test && (exact ? test != exact : !filter_wants(options->filter, test->name)))
        test = test->next;
    return test;
}
