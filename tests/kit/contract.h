/* tests/kit/contract.h - what the checks of the contract of streams share.
 *
 * A check runs one to four parts on a new pair, each in a task of its own. A part that comes to a
 * failure, which under torture is none of its doing, cancels the others, so that nobody waits for
 * what will not come.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_CONTRACT_H
#define ROOST_TESTS_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/testing_stream.h>

enum {
    CONTRACT_TOTAL = 40000, /* bytes that are sent in the checks of whole data */
    CONTRACT_CHUNK = 5000,  /* most of them in one call */
    CONTRACT_BLOCK = 65536, /* of the large writes */
    CONTRACT_LARGE = 1024   /* such blocks: more than any kind keeps under way */
};

struct contract {
    roost_stream *a;
    roost_stream *b;
    unsigned flags;
    uint64_t random;
    roost_group *group;
    int64_t sent; /* by the writer of a check */
    bool stop;
};

typedef int (*contract_part)(struct contract *c);

/* One check: its name for who debugs, and what runs at once. */
struct contract_check {
    const char *name;
    contract_part parts[4];
    unsigned leaves_out; /* flags with which it is not made */
};

extern const struct contract_check contract_bytes[];
extern const struct contract_check contract_ends[];

uint64_t contract_draw(struct contract *c, uint64_t bound);

/* The byte at a position of what is sent. */
unsigned char contract_byte(uint64_t at);

/* Says that nothing more comes, by whatever means the kind has. */
int contract_end(struct contract *c);

/* In a part: the call gives what is wanted, or the part is over. */
#define STEP(want, call)                                                                           \
    do {                                                                                           \
        int64_t want_ = (want), got_ = (call);                                                     \
        roost_test_check_eq(want_, got_, __FILE__, __LINE__, #call);                               \
        if (got_ != want_)                                                                         \
            return got_ < 0 ? (int)got_ : -EPROTO;                                                 \
    } while (0)

/* In a part: the condition holds, or the part is over. */
#define STEP_IF(condition)                                                                         \
    do {                                                                                           \
        CHECK(condition);                                                                          \
        if (!(condition))                                                                          \
            return -EPROTO;                                                                        \
    } while (0)

#endif
