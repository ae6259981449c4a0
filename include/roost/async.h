/* roost/async.h - declaring async functions, and calls that are made later.
 *
 * An async function is a plain C function that may suspend. ROOST_ASYNC declares it once and gives
 * it three uses:
 *
 *     ROOST_ASYNC(fetch_user, int, id, struct user *, out) { ... return 0; }
 *
 *     rc = fetch_user(7, &user);                 call it: that is awaiting it
 *     ROOST_GO(group, fetch_user, 7, &user);     make it a task; the arguments are copied
 *     roost_call c = ROOST_CALL(fetch_user, 7, &user);   keep the call, to be made later
 *
 * It returns an int: zero or more is its result, less than zero an error code. Up to eight
 * parameters, each written as type, name.
 *
 * In C++ the same macros work, with three differences: parameters have types that can be copied as
 * bytes, a call is kept by ROOST_CALL_NAMED, and no exception leaves an async function.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ASYNC_H
#define ROOST_ASYNC_H

#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* What the runtime knows of an async function; made by ROOST_ASYNC, one per function. */
typedef struct roost_async_info {
    int (*entry)(void *args); /* unpacks the arguments and calls the function */
    uint32_t args_size;       /* bytes of the argument block */
    uint32_t args_align;
    const char *name;
    const char *file;
    int line;
} roost_async_info;

/* A call not yet made: an argument block that begins with a pointer to its function's info. Lends
 * the block ROOST_CALL made, which lives as long as the enclosing C block, and in C++ as long as
 * the statement; whoever makes the call in a task copies it first. */
typedef struct roost_call {
    const roost_async_info *const *args;
} roost_call;

/* ROOST_ASYNC(name, type1, arg1, ...) { body }: a file-local async function. */
#define ROOST_ASYNC(...)                                                                           \
    ROOST_ASYNC_SHAPE_(static __attribute__((unused)), ROOST_INFO_LATER_, __VA_ARGS__);            \
    ROOST_ASYNC_BODY_(static __attribute__((unused)), , __VA_ARGS__)

/* The same in two halves, for an async function that other files call: ROOST_ASYNC_DECLARE in the
 * header, ROOST_ASYNC_DEFINE with the same parameters before the body. C and C++ may each have
 * either half. */
#define ROOST_ASYNC_DECLARE(...) ROOST_ASYNC_SHAPE_(ROOST_EXTERN_C, ROOST_INFO_EXTERN_, __VA_ARGS__)
#define ROOST_ASYNC_DEFINE(...) ROOST_ASYNC_BODY_(, , __VA_ARGS__)

/* ROOST_CALL(name, args...): a roost_call to be used in this statement, or in C in this block. */
#define ROOST_CALL(...) ROOST_CALL_(__VA_ARGS__, )
#ifdef __cplusplus
#define ROOST_CALL_(name, ...)                                                                     \
    roost_impl_call_of(roost_args_##name{&roost_info_##name, __VA_ARGS__})
#else
#define ROOST_CALL_(name, ...)                                                                     \
    ((roost_call){(const roost_async_info *const *)&(struct roost_args_##name){&roost_info_##name, \
                                                                               __VA_ARGS__}})
#endif

/* ROOST_CALL_NAMED(call, name, args...): declares a roost_call that can be kept until the end of
 * the block, in C++ too. */
#define ROOST_CALL_NAMED(...) ROOST_CALL_NAMED_(ROOST_UNIQUE(roost_block_), __VA_ARGS__, )
#define ROOST_CALL_NAMED_(block, call, name, ...)                                                  \
    const struct roost_args_##name block = {&roost_info_##name, __VA_ARGS__};                      \
    const roost_call call = {&block.roost_info}

/* How many type-name pairs follow the function's name, 0 to 8. */
#define ROOST_PAIRS_(...)                                                                          \
    ROOST_PAIRS_PICK_(__VA_ARGS__, 8, bad, 7, bad, 6, bad, 5, bad, 4, bad, 3, bad, 2, bad, 1, bad, \
                      0, )
#define ROOST_PAIRS_PICK_(n0, t1, n1, t2, n2, t3, n3, t4, n4, t5, n5, t6, n6, t7, n7, t8, n8,      \
                          count, ...)                                                              \
    count

/* The argument block and the prototype; the info object is declared by `info`, or comes later. */
#define ROOST_ASYNC_SHAPE_(linkage, info, ...)                                                     \
    ROOST_JOIN(ROOST_SHAPE_, ROOST_PAIRS_(__VA_ARGS__))(linkage, info, __VA_ARGS__)
#define ROOST_SHAPE_N_(linkage, info, name, params, ...)                                           \
    struct roost_args_##name {                                                                     \
        const roost_async_info *roost_info;                                                        \
        __VA_ARGS__                                                                                \
    };                                                                                             \
    ROOST_ARGS_PLAIN_(name) linkage ROOST_MUST ROOST_SUSPENDS int name params info(name)
#define ROOST_INFO_LATER_(name)
#define ROOST_INFO_EXTERN_(name)                                                                   \
    ;                                                                                              \
    ROOST_EXTERN_C const roost_async_info roost_info_##name
/* Blocks are copied as bytes. */
#ifdef __cplusplus
#define ROOST_ARGS_PLAIN_(name)                                                                    \
    static_assert(__is_trivially_copyable(roost_args_##name),                                      \
                  "arguments of async functions are copied as bytes");
#else
#define ROOST_ARGS_PLAIN_(name)
#endif
#define ROOST_SHAPE_0(l, i, n) ROOST_SHAPE_N_(l, i, n, (void), )
#define ROOST_SHAPE_1(l, i, n, t1, a1) ROOST_SHAPE_N_(l, i, n, (t1 a1), t1 a1;)
#define ROOST_SHAPE_2(l, i, n, t1, a1, t2, a2)                                                     \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2), t1 a1; t2 a2;)
#define ROOST_SHAPE_3(l, i, n, t1, a1, t2, a2, t3, a3)                                             \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3), t1 a1; t2 a2; t3 a3;)
#define ROOST_SHAPE_4(l, i, n, t1, a1, t2, a2, t3, a3, t4, a4)                                     \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3, t4 a4), t1 a1; t2 a2; t3 a3; t4 a4;)
#define ROOST_SHAPE_5(l, i, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                             \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5), t1 a1; t2 a2; t3 a3; t4 a4; t5 a5;)
#define ROOST_SHAPE_6(l, i, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                     \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6), t1 a1; t2 a2; t3 a3;       \
                   t4 a4; t5 a5; t6 a6;)
#define ROOST_SHAPE_7(l, i, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7)             \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7), t1 a1; t2 a2;       \
                   t3 a3; t4 a4; t5 a5; t6 a6; t7 a7;)
#define ROOST_SHAPE_8(l, i, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7, t8, a8)     \
    ROOST_SHAPE_N_(l, i, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7, t8 a8), t1 a1;       \
                   t2 a2; t3 a3; t4 a4; t5 a5; t6 a6; t7 a7; t8 a8;)

/* The entry, the info object, what is to follow that, and the head of the function whose body comes
 * next. */
#define ROOST_ASYNC_BODY_(linkage, then, ...)                                                      \
    ROOST_JOIN(ROOST_BODY_, ROOST_PAIRS_(__VA_ARGS__))(linkage, then, __VA_ARGS__)
#define ROOST_BODY_N_(linkage, then, name, params, ...)                                            \
    ROOST_UNCHECKED_ static int roost_entry_##name(void *roost_block)                              \
    {                                                                                              \
        struct roost_args_##name *roost_args = (struct roost_args_##name *)roost_block;            \
        (void)roost_args;                                                                          \
        return name(__VA_ARGS__);                                                                  \
    }                                                                                              \
    linkage const roost_async_info roost_info_##name = {                                           \
        roost_entry_##name,                                                                        \
        (uint32_t)sizeof(struct roost_args_##name),                                                \
        (uint32_t) __alignof__(struct roost_args_##name),                                          \
        #name,                                                                                     \
        __FILE__,                                                                                  \
        __LINE__,                                                                                  \
    };                                                                                             \
    then linkage int name params
#define ROOST_ARG_(a) roost_args->a
#define ROOST_BODY_0(l, t, n) ROOST_BODY_N_(l, t, n, (void), )
#define ROOST_BODY_1(l, t, n, t1, a1) ROOST_BODY_N_(l, t, n, (t1 a1), ROOST_ARG_(a1))
#define ROOST_BODY_2(l, t, n, t1, a1, t2, a2)                                                      \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2), ROOST_ARG_(a1), ROOST_ARG_(a2))
#define ROOST_BODY_3(l, t, n, t1, a1, t2, a2, t3, a3)                                              \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3), ROOST_ARG_(a1), ROOST_ARG_(a2), ROOST_ARG_(a3))
#define ROOST_BODY_4(l, t, n, t1, a1, t2, a2, t3, a3, t4, a4)                                      \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3, t4 a4), ROOST_ARG_(a1), ROOST_ARG_(a2),           \
                  ROOST_ARG_(a3), ROOST_ARG_(a4))
#define ROOST_BODY_5(l, t, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5)                              \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5), ROOST_ARG_(a1), ROOST_ARG_(a2),    \
                  ROOST_ARG_(a3), ROOST_ARG_(a4), ROOST_ARG_(a5))
#define ROOST_BODY_6(l, t, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6)                      \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6), ROOST_ARG_(a1),             \
                  ROOST_ARG_(a2), ROOST_ARG_(a3), ROOST_ARG_(a4), ROOST_ARG_(a5), ROOST_ARG_(a6))
#define ROOST_BODY_7(l, t, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7)              \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7), ROOST_ARG_(a1),      \
                  ROOST_ARG_(a2), ROOST_ARG_(a3), ROOST_ARG_(a4), ROOST_ARG_(a5), ROOST_ARG_(a6),  \
                  ROOST_ARG_(a7))
#define ROOST_BODY_8(l, t, n, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, t7, a7, t8, a8)      \
    ROOST_BODY_N_(l, t, n, (t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6, t7 a7, t8 a8),               \
                  ROOST_ARG_(a1), ROOST_ARG_(a2), ROOST_ARG_(a3), ROOST_ARG_(a4), ROOST_ARG_(a5),  \
                  ROOST_ARG_(a6), ROOST_ARG_(a7), ROOST_ARG_(a8))

/* The call of an argument block. */
static inline roost_call roost_impl_call(const roost_async_info *const *args)
{
    roost_call call;
    call.args = args;
    return call;
}

#ifdef __cplusplus
/* Of a temporary one, which lives as long as the statement: clang warns of a call that is kept. */
template <class Args>
__attribute__((always_inline)) inline roost_call roost_impl_call_of(
    const Args &args ROOST_LIFETIME_BOUND_)
{
    return roost_impl_call(&args.roost_info);
}
#endif

#endif
