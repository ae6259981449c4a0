/* tests/install/consumer/consumer.cc - C++ calls the library: a run whose main task is made by hand.
 *
 * The macros that declare async functions are C; a C++ program writes the argument block itself.
 *
 * SPDX-License-Identifier: MIT
 */
#include <cstdio>

#include <roost.h>

struct sum_args {
    const roost_async_info *info;
    int a;
    int b;
};

static int sum(void *block)
{
    const sum_args *args = static_cast<const sum_args *>(block);
    const int rc = roost_sleep(ROOST_MS(1));
    return rc < 0 ? rc : args->a + args->b;
}

static const roost_async_info sum_info = {sum,   sizeof(sum_args), alignof(sum_args),
                                          "sum", __FILE__,         __LINE__};

int main()
{
    const sum_args args = {&sum_info, 9, 16};
    const roost_call call = {&args.info};

    std::printf("roost %s: %d\n", roost_version(), roost_run(call, nullptr));
    return 0;
}
