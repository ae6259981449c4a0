/* tests/kit/contract_bytes.c - the contract of streams: every byte, in order, however it is read.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/record.h>

#include "kit/contract.h"

/* -- whole data -------------------------------------------------------------------------------- */

/* One call, of any of the three kinds. */
static int64_t send_some(struct contract *c, roost_stream *stream, const char *data, size_t len)
{
    size_t half = (size_t)contract_draw(c, len + 1);
    roost_bytes pieces[] = {{data, half}, {data, 0}, {data + half, len - half}};
    switch (contract_draw(c, 3)) {
    case 0:
        return roost_write(stream, data, len);
    case 1: {
        int rc = roost_write_all(stream, data, len);
        return rc < 0 ? rc : (int64_t)len;
    }
    default: {
        int rc = roost_writev_all(stream, pieces, 3);
        return rc < 0 ? rc : (int64_t)len;
    }
    }
}

static int send_whole(struct contract *c, roost_stream *stream, roost_dur pause)
{
    char chunk[CONTRACT_CHUNK];
    roost_stream_stats stats;
    for (uint64_t at = 0; at < CONTRACT_TOTAL;) {
        size_t len = 1 + (size_t)contract_draw(c, CONTRACT_CHUNK);
        if (len > CONTRACT_TOTAL - at)
            len = (size_t)(CONTRACT_TOTAL - at);
        for (size_t i = 0; i < len; i++)
            chunk[i] = (char)contract_byte(at + i);
        int64_t n = send_some(c, stream, chunk, len);
        STEP_IF(n > 0 && n <= (int64_t)len);
        at += (uint64_t)n;
        if (pause > 0)
            STEP(0, roost_sleep(pause));
    }
    roost_stream_stats_get(stream, &stats);
    STEP(CONTRACT_TOTAL, (int64_t)stats.written);
    return 0;
}

static int chunk_check(const char *chunk, int64_t n, uint64_t at)
{
    for (int64_t i = 0; i < n; i++)
        STEP(contract_byte(at + (uint64_t)i), (unsigned char)chunk[i]);
    return 0;
}

/* patience: nanoseconds after which most reads are cancelled; 0: none is. */
static int receive_whole(struct contract *c, roost_stream *stream, uint64_t patience)
{
    char chunk[CONTRACT_CHUNK];
    roost_stream_stats stats;
    for (uint64_t at = 0; at < CONTRACT_TOTAL;) {
        size_t len = 1 + (size_t)contract_draw(c, CONTRACT_CHUNK);
        int64_t n;
        if (patience == 0 || contract_draw(c, 4) == 0)
            n = roost_read(stream, chunk, len);
        else
            n = ROOST_WITHIN((roost_dur)contract_draw(c, patience),
                             (int)roost_read(stream, chunk, len));
        if (n == ROOST_ETIMEDOUT)
            continue;
        STEP_IF(n > 0 && n <= (int64_t)len);
        int rc = chunk_check(chunk, n, at);
        if (rc < 0)
            return rc;
        at += (uint64_t)n;
    }
    roost_stream_stats_get(stream, &stats);
    STEP(CONTRACT_TOTAL, (int64_t)stats.read);
    STEP(0, (int64_t)stats.buffered);
    return 0;
}

static int a_sends(struct contract *c)
{
    int rc = send_whole(c, c->a, 0);
    return rc < 0 ? rc : contract_end(c);
}

static int a_sends_slowly(struct contract *c)
{
    int rc = send_whole(c, c->a, ROOST_US(50));
    return rc < 0 ? rc : contract_end(c);
}

static int b_receives(struct contract *c)
{
    char byte;
    int rc = receive_whole(c, c->b, 0);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 3; i++)
        STEP(0, roost_read(c->b, &byte, 1));
    STEP(0, roost_try_read(c->b, &byte, 1));
    return 0;
}

static int b_receives_impatiently(struct contract *c)
{
    char byte;
    int rc = receive_whole(c, c->b, (uint64_t)ROOST_US(200));
    if (rc < 0)
        return rc;
    STEP(0, roost_read(c->b, &byte, 1));
    return 0;
}

static int a_talks(struct contract *c)
{
    return send_whole(c, c->a, 0);
}

static int b_talks(struct contract *c)
{
    return send_whole(c, c->b, 0);
}

static int a_listens(struct contract *c)
{
    return receive_whole(c, c->a, 0);
}

static int b_listens(struct contract *c)
{
    return receive_whole(c, c->b, 0);
}

/* -- several writers --------------------------------------------------------------------------- */

enum { TURNS = 4, TURN_BYTES = 5000 };

static int write_turns(struct contract *c, char letter)
{
    char block[TURN_BYTES];
    memset(block, letter, sizeof block);
    for (int i = 0; i < TURNS; i++)
        STEP(0, roost_write_all(c->a, block, sizeof block));
    return 0;
}

static int writes_x(struct contract *c)
{
    return write_turns(c, 'x');
}

static int writes_y(struct contract *c)
{
    return write_turns(c, 'y');
}

static int writes_z(struct contract *c)
{
    return write_turns(c, 'z');
}

static int reads_turns(struct contract *c)
{
    char block[TURN_BYTES];
    int counts[3] = {0};
    for (int i = 0; i < 3 * TURNS; i++) {
        size_t got = 0;
        STEP(0, roost_read_exact(c->b, block, sizeof block, &got));
        STEP(TURN_BYTES, (int64_t)got);
        STEP_IF(block[0] >= 'x' && block[0] <= 'z');
        STEP(0, memcmp(block, block + 1, sizeof block - 1) != 0);
        counts[block[0] - 'x']++;
    }
    for (int i = 0; i < 3; i++)
        STEP(TURNS, counts[i]);
    return 0;
}

/* -- records ----------------------------------------------------------------------------------- */

enum { LINES = 60 };

static size_t line_length(int index)
{
    return (size_t)(index * 37 % 301);
}

static int send_lines(struct contract *c)
{
    char text[LINES * 303];
    size_t len = 0;
    for (int i = 0; i < LINES; i++) {
        memset(text + len, 'a' + i % 26, line_length(i));
        len += line_length(i);
        if (i % 2 && i < LINES - 1)
            text[len++] = '\r';
        if (i < LINES - 1) /* the last one lacks its end */
            text[len++] = '\n';
    }
    for (size_t at = 0; at < len;) {
        size_t n = 1 + (size_t)contract_draw(c, 400);
        n = n < len - at ? n : len - at;
        STEP(0, roost_write_all(c->a, text + at, n));
        at += n;
    }
    return contract_end(c);
}

static int receive_lines(struct contract *c)
{
    roost_bytes line;
    for (int i = 0; i < LINES; i++) {
        STEP(1, roost_read_line(c->b, &line));
        STEP((int64_t)line_length(i), (int64_t)line.len);
        for (size_t at = 0; at < line.len; at++)
            STEP('a' + i % 26, line.data[at]);
    }
    STEP(0, roost_read_line(c->b, &line));
    STEP(0, roost_read_line(c->b, &line));
    return 0;
}

static int send_greeting(struct contract *c)
{
    STEP(0, roost_write_all(c->a, "hello world\r\nrest", 17));
    return contract_end(c);
}

static int look_ahead(struct contract *c)
{
    static const roost_bytes space = {" ", 1};
    roost_until_opts words = {.separators = &space, .separator_count = 1};
    roost_bytes seen;
    char buf[32];
    STEP_IF(roost_peek(c->b, 5, &seen) >= 5);
    STEP(0, memcmp(seen.data, "hello", 5));
    STEP(1, roost_read_until(c->b, &words, &seen));
    STEP(6, (int64_t)seen.len);
    STEP(0, roost_unread(c->b, "big ", 4));
    STEP(0, roost_read_exact(c->b, buf, 9, NULL));
    STEP(0, memcmp(buf, "big world", 9));
    STEP(6, roost_peek(c->b, 7, &seen)); /* the end comes first */
    STEP(ROOST_EEOF, roost_read_until(c->b, &words, &seen));
    STEP(1, roost_read_line(c->b, &seen));
    STEP(0, (int64_t)seen.len);
    STEP(1, roost_read_line(c->b, &seen));
    STEP(4, (int64_t)seen.len);
    STEP(0, roost_peek(c->b, 1, &seen));
    STEP(0, roost_unread(c->b, "!", 1));
    STEP(1, roost_read(c->b, buf, sizeof buf));
    STEP(0, roost_read(c->b, buf, sizeof buf));
    return 0;
}

/* -- small print ------------------------------------------------------------------------------- */

static int send_five(struct contract *c)
{
    STEP(0, roost_write_all(c->a, "12345", 5));
    return contract_end(c);
}

static int want_ten(struct contract *c)
{
    char buf[10];
    size_t got = 99;
    STEP(ROOST_EEOF, roost_read_exact(c->b, buf, 10, &got));
    STEP(5, (int64_t)got);
    STEP(0, memcmp(buf, "12345", 5));
    STEP(0, roost_read(c->b, buf, 1));
    STEP(ROOST_EEOF, roost_read_exact(c->b, buf, 1, &got));
    STEP(0, (int64_t)got);
    return 0;
}

static int move_nothing(struct contract *c)
{
    static const roost_bytes none[] = {{"", 0}, {NULL, 0}};
    char byte;
    size_t got = 99;
    STEP(0, roost_write(c->a, "", 0));
    STEP(0, roost_write_all(c->a, NULL, 0));
    STEP(0, roost_writev_all(c->a, none, 2));
    STEP(0, roost_writev_all(c->a, NULL, 0));
    STEP(ROOST_EINVAL, roost_read(c->b, &byte, 0));
    STEP(ROOST_EINVAL, roost_try_read(c->b, &byte, 0));
    STEP(0, roost_read_exact(c->b, NULL, 0, &got));
    STEP(0, (int64_t)got);
    STEP(ROOST_EAGAIN, roost_try_read(c->b, &byte, 1));
    return 0;
}

static int ask_facts(struct contract *c)
{
    int number = 0;
    char text[4];
    STEP(ROOST_EINVAL, roost_stream_attr(c->a, (enum roost_attr)999, &number, sizeof number));
    STEP(ROOST_EINVAL, roost_stream_attr(c->a, (enum roost_attr)0, &number, sizeof number));
    STEP(ROOST_EINVAL, roost_stream_attr(c->a, ROOST_ATTR_PEER_UID, &number, 1));
    if (strcmp(roost_stream_kind(c->a), "tls") != 0)
        STEP(ROOST_ENOTSUP, roost_stream_attr(c->a, ROOST_ATTR_TLS_VERSION, text, sizeof text));
    return 0;
}

const struct contract_check contract_bytes[] = {
    {"whole data", {a_sends, b_receives}, 0},
    {"both ways at once", {a_talks, b_listens, b_talks, a_listens}, ROOST_CHECK_ONE_WAY},
    {"a cancelled read loses nothing", {a_sends_slowly, b_receives_impatiently}, 0},
    {"writers take turns", {writes_x, writes_y, writes_z, reads_turns}, 0},
    {"lines", {send_lines, receive_lines}, 0},
    {"looking ahead", {send_greeting, look_ahead}, 0},
    {"an end that comes too early", {send_five, want_ten}, 0},
    {"nothing", {move_nothing}, 0},
    {"facts", {ask_facts}, 0},
    {NULL, {NULL}, 0},
};
