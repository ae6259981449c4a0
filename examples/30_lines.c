/* examples/30_lines.c - count the lines, words and longest line of standard input, or of a pipe.
 *
 * With the argument - it reads standard input, such as another program's output; without one, a
 * task writes into a pipe and another counts what comes out.
 *
 * SPDX-License-Identifier: MIT
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <roost.h>

struct counts {
    long lines;
    long words;
    size_t longest;
};

ROOST_ASYNC(count, roost_stream *, in, struct counts *, counts)
{
    roost_bytes line;
    int rc;
    while ((rc = roost_read_line(in, &line)) > 0) {
        counts->lines++;
        if (line.len > counts->longest)
            counts->longest = line.len;
        for (size_t i = 0; i < line.len; i++) {
            bool begins = i == 0 || isspace((unsigned char)line.data[i - 1]);
            counts->words += begins && !isspace((unsigned char)line.data[i]);
        }
    }
    return rc; /* 0: the end of the stream */
}

/* Line by line, as a program would print them. */
ROOST_ASYNC(recite, roost_stream *, out)
{
    static const char *const verses[] = {
        "Full fathom five thy father lies;\n", "Of his bones are coral made;\n",
        "Those are pearls that were his eyes\r\n", "\n", "Nothing of him that doth fade"};
    for (size_t i = 0; i < sizeof verses / sizeof *verses; i++)
        ROOST_TRY(roost_write_all(out, verses[i], strlen(verses[i])));
    return roost_write_end(out);
}

static ROOST_SUSPENDS int count_a_pipe(struct counts *counts)
{
    ROOST_AUTO(stream) roost_stream *in = NULL, *out = NULL;
    int rc = 0;
    ROOST_TRY(roost_pipe_open(&in, &out));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, recite, out);
        ROOST_GO(g, count, in, counts);
    }
    return rc;
}

ROOST_MAIN(argc, argv)
{
    struct counts counts = {0};
    if (argc > 1 && strcmp(argv[1], "-") == 0) {
        ROOST_AUTO(stream) roost_stream *in = NULL;
        ROOST_TRY(roost_stdin(&in));
        ROOST_TRY(count(in, &counts));
    } else {
        ROOST_TRY(count_a_pipe(&counts));
    }
    printf("%ld lines, %ld words, longest %zu bytes\n", counts.lines, counts.words, counts.longest);
    return 0;
}
