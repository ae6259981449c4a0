/* tests/api/refused/call_kept_in_cplusplus.cc - in C++ the block of ROOST_CALL lives as long as the
 * statement, so a call that is kept has to have a name.
 *
 * refused by clang: will be destroyed
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(give, int, value)
{
    return value;
}

ROOST_MAIN(argc, argv)
{
#ifdef MENDED
    ROOST_CALL_NAMED(call, give, argc);
#else
    roost_call call = ROOST_CALL(give, argc);
#endif
    return roost_await(call);
}
