/* tests/api/refused/argument_with_a_destructor.cc - arguments of tasks are copied as bytes.
 *
 * refused by gcc clang: copied as bytes
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

struct owner {
    char *text;
#ifndef MENDED
    ~owner() { delete text; }
#endif
};

ROOST_ASYNC(take, owner, from)
{
    return from.text != nullptr;
}

ROOST_MAIN(argc, argv)
{
    return take(owner{nullptr});
}
