/* examples/27_to_process.c - a call whose crash stays in a process of its own.
 *
 * The parser is one that does not check what it is given. In a worker process it can take nothing
 * down but itself: the program gets ROOST_ECRASHED and goes on, with another worker.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <roost.h>
#include <roost/process_pool.h>

struct document {
    int words;
    char longest[32];
};

/* A plain computation: no suspending calls, and what it prints goes nowhere. */
ROOST_ASYNC(parse_untrusted, const char *, text, struct document *, doc)
{
    const char *word = text;
    for (size_t longest = 0; *word; word += *word == ' ') {
        size_t len = strcspn(word, " ");
        if (len >= sizeof doc->longest)
            raise(SIGSEGV); /* where less luck would have written past the end */
        if (len > longest) {
            longest = len;
            memcpy(doc->longest, word, len);
            doc->longest[len] = '\0';
        }
        doc->words++;
        word += len;
    }
    return 0;
}

/* Spans are what the worker may see of this process's memory. */
ROOST_ASYNC(parse, const char *, text, struct document *, doc)
{
    return roost_to_process(
        ROOST_CALL(parse_untrusted, text, doc),
        .spans = ROOST_SPANS(ROOST_IN(text, strlen(text) + 1), ROOST_OUT(doc, sizeof *doc)));
}

ROOST_MAIN(argc, argv)
{
    (void)argc, (void)argv;
    static const char *const texts[] = {
        "to be or not to be",
        "wherever-the-whole-of-this-word-was-expected-to-fit",
        "the rest is silence",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct document doc;
        int rc = parse(texts[i], &doc);
        if (rc < 0 && rc != ROOST_ECRASHED)
            return rc;
        if (rc < 0)
            printf("%s: %s\n", roost_error_name(rc), roost_error_text(rc));
        else
            printf("%d words, the longest is '%s'\n", doc.words, doc.longest);
    }
    return 0;
}
