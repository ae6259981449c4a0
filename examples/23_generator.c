/* examples/23_generator.c - a generator, an iterator of one's own, and a comprehension.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

/* async def async_range(count): for i in range(count): await asyncio.sleep(...); yield i */
ROOST_ASYNC(async_range, roost_gen *, gen, int, count)
{
    for (int i = 0; i < count; i++) {
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
        ROOST_TRY(roost_gen_yield(gen, &i));
    }
    return 0;
}

/* A class with __aiter__ and __anext__ is a struct that begins with a roost_iter. */
struct data_stream {
    roost_iter iter;
    int count;
    int index;
};

struct text {
    char at[16];
};

static ROOST_SUSPENDS int data_stream_next(roost_iter *iter, void *item)
{
    struct data_stream *stream = (struct data_stream *)iter;
    if (stream->index >= stream->count)
        return 0; /* StopAsyncIteration */
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    snprintf(item, sizeof(struct text), "item_%d", stream->index++);
    return 1;
}

static const roost_iter_ops data_stream_ops = {.next = data_stream_next};

ROOST_ASYNC(validate, void *, arg, const void *, item)
{
    (void)arg;
    ROOST_TRY(roost_sleep(ROOST_US(100)));
    return *(const int *)item % 2;
}

ROOST_ASYNC(transform, void *, arg, const void *, in, void *, out)
{
    *(int *)out = *(const int *)in * *(int *)arg;
    return roost_sleep(ROOST_US(100));
}

ROOST_MAIN(argc, argv)
{
    int rc = 0;
    ROOST_GEN(numbers, int, async_range, 1000);
    ROOST_FOREACH(int, i, &numbers->iter, rc) {
        printf("%d\n", i);
        if (i == 2)
            break; /* cancels the generator and joins it */
    }

    struct data_stream stream = {.count = 3};
    roost_iter_init(&stream.iter, &data_stream_ops, sizeof(struct text));
    ROOST_FOREACH(struct text, text, &stream.iter, rc)
        printf("%s\n", text.at);

    /* [transform(item) async for item in stream if await validate(item)], at most four */
    ROOST_GEN(source, int, async_range, 1000);
    roost_iter_stage valid, made, few;
    int tens[4], ten = 10;
    roost_iter *it = roost_iter_filter(&valid, &source->iter, validate, NULL);
    it = roost_iter_map(&made, it, sizeof(int), transform, &ten);
    ROOST_TRY(roost_iter_collect(roost_iter_take(&few, it, 4), tens, 4, NULL));
    printf("[%d, %d, %d, %d]\n", tens[0], tens[1], tens[2], tens[3]);
    return rc;
}
